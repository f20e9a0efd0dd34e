import { copyFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

const out = process.env.EXPLORER_OUT ?? 'dist';
const FILES = 'explorer'; // the path below which the server serves the files: app/http/explorer/explorer_routes.py

// Adds the compressed forms of each file and the persisted documents, which the server reads beside the page.
const served: Plugin = {
  name: 'served',
  apply: 'build',
  closeBundle() {
    copyFileSync('src/generated/persisted-documents.json', join(out, 'persisted-documents.json'));
    const files = readdirSync(join(out, FILES)).map((name) => join(out, FILES, name));
    for (const file of [join(out, 'index.html'), ...files]) {
      const content = readFileSync(file);
      writeFileSync(`${file}.br`, brotliCompressSync(content));
      writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
    }
  },
};

export default defineConfig({
  plugins: [svelte(), served],
  build: {
    outDir: out,
    emptyOutDir: true,
    assetsDir: FILES,
    assetsInlineLimit: 0, // the policy of the page allows no data: addresses
    modulePreload: { polyfill: false },
    target: 'es2023',
    reportCompressedSize: false,
  },
  logLevel: 'warn',
  server: { proxy: { '/graphql': { target: 'http://127.0.0.1:8000', ws: true }, '/graphiql': 'http://127.0.0.1:8000', '/session': 'http://127.0.0.1:8000' } },
});
