import path from 'node:path';
import { defineConfig } from 'vite';

const here = import.meta.dirname;

/** Pages of files with a hash in their names, and nothing inline: the gateway's policy forbids it. */
export default defineConfig({
  root: path.join(here, 'portal'),
  base: '/portal/',
  publicDir: false,
  logLevel: 'warn',
  resolve: { alias: { '@billing-gateway/client': path.join(here, '../client/src/index.ts') } },
  build: {
    outDir: path.join(here, '../dist/web/portal'),
    // A build beside a gateway that serves, as in tests, takes nothing away from it: the same source has the same names.
    emptyOutDir: false,
    assetsInlineLimit: 0,
    // Whose work is in the scripts, and under which terms, for whoever is served them.
    license: { fileName: 'licences.md' },
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
