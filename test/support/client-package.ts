import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { codeBlocksOf } from './documents.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

/** The client as an app has it: packed, and installed in a folder that had nothing in it. */
export interface InstalledClient {
  readonly folder: string;
  /** Of the tarball, without `package/`. */
  readonly files: readonly string[];
  remove(): Promise<void>;
}

/** Packs the client and installs it. Nothing is asked of a registry: there is nothing to install beside it. */
export async function installClient(): Promise<InstalledClient> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bg_client_'));
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: path.join(PROJECT, 'client'),
  });
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  await writeFile(path.join(folder, 'package.json'), '{ "name": "shop", "private": true, "type": "module" }');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${packed.filename}`], { cwd: folder });
  return {
    folder,
    files: packed.files.map((file) => file.path),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The first program of the package's README. */
export async function snippet(): Promise<string> {
  const [first] = await codeBlocksOf('client/README.md', 'js');
  if (first === undefined) throw new Error('client/README.md has no program.');
  return first.lines;
}
