import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { redactedText } from '../platform/log.js';

/** Variables of a program that is started; nothing else of our own environment reaches it. */
export type ProgramEnvironment = Readonly<Record<string, string>>;

/** Something about backups is wrong that a person has to put right; the message says what and how. */
export class BackupError extends Error {}

/** A program and how to start it. Secrets are never arguments: those are visible to every user of the machine. */
export interface Call {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: ProgramEnvironment;
  readonly cwd?: string;
}

/** How a process is told to end. */
export const ENDING_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

const COMPLAINT_CHARS_MAX = 2_000;

/** The first of these programs on PATH or where systems keep administrators' programs; null if none. */
export function findProgram(names: readonly string[], environment: ProgramEnvironment): string | null {
  const directories = [...(environment['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin'].filter(Boolean);
  const paths = names.flatMap((name) => directories.map((directory) => path.join(directory, name)));
  return paths.find((candidate) => existsSync(candidate)) ?? null;
}

/** What a program printed. Throws BackupError with its last words if it ends with another status than 0. */
export async function output(call: Call, input = ''): Promise<string> {
  const child = started(call);
  const ended = ending(child, call);
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  child.stdin?.on('error', () => undefined).end(input);
  await ended;
  return text;
}

/** Sends a program's output through `streams`, the last of which keeps it. Throws BackupError if it fails. */
export async function printedInto(call: Call, ...streams: readonly (NodeJS.ReadWriteStream | Writable)[]): Promise<void> {
  const child = started(call);
  child.stdin?.end();
  const ended = ending(child, call);
  await together([ended, pipeline([child.stdout as Readable, ...streams] as [Readable, Writable])], [child]);
}

/** Gives a program `source`, a stream or another program's output, through `streams`. Throws BackupError. */
export async function fedFrom(source: Readable | Call, call: Call, ...streams: readonly NodeJS.ReadWriteStream[]): Promise<void> {
  const child = started(call);
  const ended = ending(child, call);
  child.stdout?.resume();
  const giver = 'program' in source ? started(source) : null;
  giver?.stdin?.end();
  const from = giver?.stdout ?? (source as Readable);
  const fed = pipeline([from, ...streams, child.stdin as Writable] as [Readable, Writable]).catch((error: NodeJS.ErrnoException) => {
    // Who reads ended first: its own last words say more than the broken pipe.
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
  const given = giver === null ? undefined : ending(giver, source as Call);
  await together([ended, fed, given], giver === null ? [child] : [child, giver]);
}

/** All of it, or the first failure; then nothing that was started goes on. */
async function together(parts: readonly (Promise<void> | undefined)[], children: readonly ChildProcess[]): Promise<void> {
  try {
    await Promise.all(parts);
  } catch (error) {
    for (const child of children) child.kill('SIGKILL');
    await Promise.allSettled(parts);
    throw error;
  }
}

/** A program that is told to end when we are: its failure is ours then, and what lies about is cleared away. */
function started({ program, args, environment, cwd }: Call): ChildProcess {
  const child = spawn(program, args, { env: { ...environment }, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  const stop = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of ENDING_SIGNALS) process.on(signal, stop);
  child.once('close', () => {
    for (const signal of ENDING_SIGNALS) process.off(signal, stop);
  });
  return child;
}

async function ending(child: ChildProcess, { program }: Call): Promise<void> {
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    complaint = (complaint + chunk).slice(-COMPLAINT_CHARS_MAX);
  });
  const [status, signal] = (await once(child, 'close').catch((error: Error) => {
    throw new BackupError(`${path.basename(program)} could not be started: ${error.message}`);
  })) as [number | null, string | null];
  if (status !== 0)
    throw new BackupError(`${path.basename(program)} ended with ${signal ?? `status ${status}`}: ${redactedText(complaint.trim())}`);
}
