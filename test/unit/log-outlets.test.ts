import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { countingLog, createLog, type ProcessLog } from '../../src/platform/log.js';
import { Metrics } from '../../src/platform/metrics.js';
import { Scrape } from '../support/scrape.js';

const LOG_MODULE = path.resolve(import.meta.dirname, '../../dist/src/platform/log.js');
/** A little longer than a file that failed is left alone. */
const SECOND_TRY_MS = 1_100;
/** Longer than a pipe holds. */
const LONG = 'x'.repeat(1_000);

let directory: string;
let file: string;
let written: string[];
let log: ProcessLog;

beforeEach(async () => {
  directory = path.join(await mkdtemp(path.join(tmpdir(), 'bg_test_log_')), 'log');
  file = path.join(directory, `gateway-${new Date().toISOString().slice(0, 10)}.log`);
  written = [];
  jest.spyOn(process.stdout, 'write').mockImplementation((...[text, done]: unknown[]) => {
    if (text !== '') written.push(String(text));
    if (typeof done === 'function') done();
    return true;
  });
  log = createLog('info', { directory, name: 'gateway', keptDays: 7, megabytesMax: 1 });
});
afterEach(async () => {
  await log.close();
  jest.restoreAllMocks();
  await rm(path.dirname(directory), { recursive: true, force: true });
});

/** Logs a line, and waits until it is in the file or lost. */
async function say(word: string): Promise<void> {
  log.info(word);
  await log.flush();
}

/** The words of the lines in a file. */
async function wordsIn(name: string): Promise<string[]> {
  return wordsOf((await readFile(name, 'utf8')).split('\n'));
}

function wordsOf(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith('{')).map((line) => (JSON.parse(line) as { message: string }).message);
}

/** What was said on stdout of lines that were lost. */
function troubles(): { message: string; to: string; reason?: string; linesLost?: number }[] {
  return written.map((line) => JSON.parse(line)).filter(({ message }) => /^log /.test(message));
}

describe('a log file', () => {
  it('that a rotator removes is begun anew with the next line', async () => {
    await say('one');
    await rm(file);
    await say('two');
    expect(await wordsIn(file)).toEqual(['two']);
  });

  it('that a rotator renames, and makes anew itself, is written to by its name', async () => {
    await say('one');
    await rename(file, `${file}.1`);
    await writeFile(file, '');
    await say('two');
    expect([await wordsIn(`${file}.1`), await wordsIn(file)]).toEqual([['one'], ['two']]);
  });

  it('that a rotator copies and empties has no hole where the copied lines were', async () => {
    await say('one');
    await truncate(file);
    await say('two');
    expect(await wordsIn(file)).toEqual(['two']);
    expect(await readFile(file, 'utf8')).not.toContain('\0');
  });

  it('that is full is followed by a further one, which a new process goes on with', async () => {
    for (let lines = 0; lines < 1_300; lines += 1) log.info('one', { of: LONG });
    await log.close();
    await say('two');
    await log.close();
    log = createLog('info', { directory, name: 'gateway', keptDays: 7, megabytesMax: 1 });
    await say('three');
    expect(await readdir(directory)).toEqual([path.basename(file).replace('.log', '.1.log'), path.basename(file)]);
    expect(await wordsIn(file.replace('.log', '.1.log'))).toEqual(['two', 'three']);
  });

  it('whose directory somebody removes is there again with the next line', async () => {
    await say('one');
    await rm(directory, { recursive: true });
    await say('two');
    expect(await wordsIn(file)).toEqual(['two']);
    expect(troubles()).toEqual([]);
  });

  it('that cannot be made is told once in a sentence; stdout has every line, what is lost is counted, and it recovers', async () => {
    const metrics = new Metrics();
    const counting = countingLog(log, metrics);
    await writeFile(directory, 'in the way');
    for (let lines = 0; lines < 20; lines += 1) counting.info('one');
    await sleep(SECOND_TRY_MS);
    await say('two');
    expect(wordsOf(written).filter((word) => word === 'one')).toHaveLength(20);
    expect(troubles()).toEqual([
      expect.objectContaining({ message: 'log lines are lost', to: 'file', reason: expect.stringMatching(/^E\w+: .*log/) }),
    ]);
    await rm(directory);
    await sleep(SECOND_TRY_MS);
    await say('three');
    await say('four');
    // Those two, and the sentence about them.
    const linesLost = 20 + 1 + 1;
    expect(troubles()[1]).toMatchObject({ message: 'log is written again', to: 'file', linesLost });
    expect(await wordsIn(file)).toEqual(['three', 'log is written again', 'four']);
    const scrape = Scrape.of(await metrics.registry.metrics());
    expect(scrape.value('billing_log_lines_lost_total', { to: 'file' })).toBe(linesLost);
    expect(scrape.value('billing_log_lines_lost_total', { to: 'stdout' })).toBe(0);
  });

  it('on a full disk is told once, and written again when there is room', async () => {
    await mkdir(directory);
    await symlink('/dev/full', file);
    await say('one');
    await sleep(SECOND_TRY_MS);
    await say('two');
    expect(troubles()).toEqual([expect.objectContaining({ reason: expect.stringMatching(/^ENOSPC/) })]);
    await rm(file);
    await sleep(SECOND_TRY_MS);
    await say('three');
    expect(await wordsIn(file)).toEqual(['three', 'log is written again']);
  });

  it('keeps whole lines on both sides of a line that a full disk cut off', async () => {
    const script = `
      import { createLog } from ${JSON.stringify(LOG_MODULE)};
      const log = createLog('info', { directory: ${JSON.stringify(directory)}, name: 'gateway', keptDays: 7, megabytesMax: 1 });
      for (let line = 0; ; line += 1) {
        log.info('line ' + line, { of: ${JSON.stringify(LONG)} });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }`;
    // In blocks of 512 bytes; the signal is ignored, so that a write is cut off and then refused, as on a full disk.
    const child = spawn('sh', [
      '-c',
      `trap '' XFSZ; ulimit -S -f 5; exec "$0" "$@"`,
      process.execPath,
      '--input-type=module',
      '-e',
      script,
    ]);
    await saying(child, 'log lines are lost');
    spawnSync('prlimit', [`--pid=${child.pid}`, '--fsize=unlimited']);
    await saying(child, 'log is written again');
    await sleep(100);
    child.kill('SIGKILL');
    const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
    const whole = lines.filter((line) => line.endsWith('}'));
    expect(lines.length - whole.length).toBe(1);
    expect(wordsOf(whole)).toEqual(expect.arrayContaining(['line 0', 'line 1', 'log is written again']));
  });
});

describe('the standard output', () => {
  /** Writes lines as fast as it can for a second, and then tells on stderr how that went. */
  const WRITER = `
    import { createLog } from ${JSON.stringify(LOG_MODULE)};
    const log = createLog('info');
    let [lost, ticks] = [0, 0];
    log.lost.follow((to, lines) => { lost += lines; });
    setInterval(() => { ticks += 1; }, 10).unref();
    for (let batch = 0; batch < 100; batch += 1) {
      for (let line = 0; line < 200; line += 1) log.info('line', { of: ${JSON.stringify(LONG)} });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await new Promise((resolve) => process.stderr.write(JSON.stringify({ lost, ticks, waiting: process.stdout.writableLength }), resolve));
    process.exit(0);`;
  const written = 20_000;

  async function told(child: ChildProcess): Promise<{ lost: number; ticks: number; waiting: number; status: number | null }> {
    let words = '';
    child.stderr?.on('data', (text) => {
      words += text;
    });
    const [status] = (await once(child, 'close')) as [number | null];
    return { ...(JSON.parse(words) as { lost: number; ticks: number; waiting: number }), status };
  }

  it('that nobody reads holds nobody up, keeps a bounded part, and counts the rest as lost', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER]);
    const { lost, ticks, waiting } = await told(child);
    expect(lost).toBeGreaterThan(written / 2);
    expect(ticks).toBeGreaterThan(50);
    expect(waiting).toBeLessThan(4_300_000);
  });

  it('whose reader went away ends nobody', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER]);
    child.stdout.destroy();
    expect(await told(child)).toMatchObject({ status: 0, lost: expect.any(Number) });
  });

  it('that is a file on a full disk ends nobody', async () => {
    const child = spawn('sh', ['-c', '"$0" "$@" >/dev/full', process.execPath, '--input-type=module', '-e', WRITER]);
    const { status, lost } = await told(child);
    expect(status).toBe(0);
    expect(lost).toBeGreaterThanOrEqual(written);
  });
});

/** Resolves once a process has printed the words. */
async function saying({ stdout }: ChildProcess, words: string): Promise<void> {
  let said = '';
  await new Promise<void>((resolve) => {
    stdout?.on('data', (text) => {
      said += text;
      if (said.includes(words)) resolve();
    });
  });
}
