import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: './schema.graphql',
  documents: ['./src/*.graphql'],
  generates: {
    './src/gql/': {
      preset: 'client',
      presetConfig: { persistedDocuments: true, fragmentMasking: false },
      config: {
        strictScalars: true,
        enumsAsTypes: true,
        useTypeImports: true,
        scalars: {
          AttributeScalar: { input: 'string | number | boolean', output: 'string | number | boolean' },
          ClearableDate: 'string',
          Date: 'string',
          DateTime: 'string',
          Decimal: 'string',
          JSON: 'unknown',
          Points: 'string',
          Time: 'string',
          UUID: 'string',
        },
      },
    },
  },
};

export default config;
