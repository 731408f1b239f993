import type { CodegenConfig } from '@graphql-codegen/cli';

const text = { input: 'string', output: 'string' };

const config: CodegenConfig = {
  schema: '../../schema/schema.graphql',
  documents: ['../../docs/graphql/*.graphql'],
  generates: {
    './src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        // Points and money are exact, and stay the texts that they are.
        scalars: { Points: text, Decimal: text, Date: text, ClearableDate: text, DateTime: text, Time: text, UUID: text },
        defaultScalarType: 'unknown',
        strictScalars: false,
        enumsAsTypes: true,
        useTypeImports: true,
      },
    },
  },
};

export default config;
