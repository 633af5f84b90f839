import type { CodegenConfig } from '@graphql-codegen/cli';
import { addTypenameSelectionDocumentTransform } from '@graphql-codegen/client-preset';

const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: 'documents/**/*.graphql',
  config: { scalars: { DateTime: 'string', MinorUnits: 'number', CurrencyCode: 'string', Metadata: 'Record<string, string>' } },
  generates: {
    // Typed documents, and persisted-documents.json to register.
    'src/gql/': {
      preset: 'client',
      presetConfig: { persistedDocuments: { hashAlgorithm: 'sha256' } },
      // Caches tell objects by their type. A client that added it by itself would send another text than was registered.
      documentTransforms: [addTypenameSelectionDocumentTransform],
    },
    // For graphql-request: a method for each operation.
    'src/sdk.ts': {
      plugins: ['typescript-operations', 'typescript-graphql-request'],
      config: { gqlImport: 'graphql-request#gql' },
    },
  },
};

export default config;
