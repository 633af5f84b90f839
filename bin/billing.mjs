#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const program = path.join(root, 'dist', 'src', 'cli', 'billing.js');
const installedNode = path.join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.exe' : 'node');
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isRecent = major > 24 || (major === 24 && minor >= 9);

if (!existsSync(program)) {
  process.stderr.write('The command line is not built yet. Run: npm ci (or npm run build)\n');
  process.exit(69);
}

// The gateway needs Node 24.9 for its embedded database; npm ci brings one along for older machines.
const node = isRecent || !existsSync(installedNode) ? process.execPath : installedNode;
const { status, signal } = spawnSync(node, ['--enable-source-maps', '--no-warnings', program, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(signal === null ? (status ?? 1) : 1);
