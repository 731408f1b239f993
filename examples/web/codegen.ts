import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../schema/schema.graphql',
  documents: ['../../docs/graphql/*.graphql'],
  generates: { './src/gql/': { preset: 'client', presetConfig: { fragmentMasking: false } } },
};

export default config;
