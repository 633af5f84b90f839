#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(import.meta.dirname, '..');
const program = path.join(root, 'dist', 'src', 'cli', 'billing.js');
const installedNode = path.join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.exe' : 'node');
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isRecent = major > 24 || (major === 24 && minor >= 9);

if (!existsSync(program)) {
  process.stderr.write('The command line is not built yet. Run: npm run build\n');
  process.exit(69);
}

if (isRecent || !existsSync(installedNode)) await runHere();
else runOnInstalledNode();

/** In this process, so that a signal reaches the command itself. */
async function runHere() {
  const { prepareLoading } = await import(pathToFileURL(path.join(root, 'dist', 'src', 'loading.js')).href);
  prepareLoading();
  process.removeAllListeners('warning');
  await import(pathToFileURL(program).href);
}

/** The gateway needs Node 24.9 for its embedded database; npm ci brings one along for older machines. */
function runOnInstalledNode() {
  const args = ['--no-warnings', fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(installedNode, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (status, signal) => process.exit(signal === null ? (status ?? 1) : 1));
}
