import { createReadStream, createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliCompress, createGzip } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;

/** Puts each file beside itself as browsers take it over a network; the gateway sends what is there. */
const compressed: Plugin = {
  name: 'compressed',
  writeBundle: async ({ dir = '' }, bundle) => {
    for (const file of Object.keys(bundle).map((name) => path.join(dir, name))) {
      await pipeline(createReadStream(file), createBrotliCompress(), createWriteStream(`${file}.br`));
      await pipeline(createReadStream(file), createGzip({ level: 9 }), createWriteStream(`${file}.gz`));
    }
  },
};

/** Pages of files with a hash in their names, and nothing inline: the gateway's policy forbids it. */
export default defineConfig({
  root: path.join(here, 'portal'),
  base: '/portal/',
  publicDir: false,
  logLevel: 'warn',
  plugins: [compressed],
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
