import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLog, errorFields, type LogFields, redactedText } from '../../src/platform/log.js';

/** Only the last step, to the terminal, is replaced. */
let written: string[] = [];

beforeEach(() => {
  written = [];
  jest.spyOn(process.stdout, 'write').mockImplementation((...[text, done]: unknown[]) => {
    if (text !== '') written.push(String(text));
    if (typeof done === 'function') done();
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('createLog', () => {
  it('writes one line of JSON an event, with its time', () => {
    expect(lineOf({ refundId: 're_1' })).toMatchObject({
      level: 'info',
      message: 'refund mirrored',
      refundId: 're_1',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/^[^\n]*\n$/);
  });

  it('keeps a message on one line whatever is in it', () => {
    createLog('info').info('first\nsecond', { reason: 'third\nfourth' });
    expect(written.join('').trimEnd().split('\n')).toHaveLength(1);
  });

  it('puts the fields of a child on every line', () => {
    createLog('info').child({ appId: 'app-1', requestId: 'r-1' }).child({ customerId: 'cus_1' }).warn('payment declined');
    expect(parsed()).toMatchObject({ level: 'warn', appId: 'app-1', requestId: 'r-1', customerId: 'cus_1' });
  });

  it('writes nothing below its level, and nothing at all when silent', () => {
    createLog('warn').info('payment mirrored');
    createLog('silent').error('request failed');
    expect(written).toEqual([]);
  });
});

describe('what a log never shows', () => {
  it.each([
    ['a secret key of Tilled', 'sk_live_AbCdEf0123456789'],
    ['a public key of Tilled', 'pk_live_AbCdEf0123456789'],
    ['a webhook secret', 'whsec_AbCdEf0123456789'],
    ['a service key of ours', 'bg_svc_AbCdEf-0123456789_xyz'],
    ['a read-only key of ours', 'bg_ro_AbCdEf-0123456789_xyz'],
    ['an operator key of ours', 'bg_ops_AbCdEf-0123456789_xyz'],
    ['a customer session', 'bg_ses_eyJhbGciOiJIUzI1NiJ9.eyJhcHAiOiJhIn0.c2lnbmF0dXJl-_'],
    ['a JWT', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_'],
    ['a bearer credential of anybody', 'Bearer 8f14e45fceea167a'],
    ['a bearer credential of letters', 'bearer abcdefghijklmnop'],
    ['a short bearer credential', 'Bearer hunter2'],
    ['a card number', '4111111111111111'],
    ['a card number of 19 digits', '6304000000000000000'],
    ['a card number of 15 digits', '378282246310005'],
    ['a card number with spaces', '4111 1111 1111 1111'],
    ['a card number with dashes', '4111-1111-1111-1111'],
  ])('blots out %s wherever it stands', (_, secret) => {
    const log = createLog('info').child({ child: `of ${secret}.` });
    log.info(`said ${secret}, then more`, {
      plain: secret,
      inText: `before ${secret} after`,
      inJson: JSON.stringify({ value: secret }),
      nested: { list: [{ value: secret }, secret] },
      ...errorFields(new Error(`failed with ${secret}`, { cause: new Error(`because of ${secret}`) })),
    });
    expect(written.join('')).not.toContain(secret);
    expect(written.join('')).toContain('after');
  });

  it('blots out a card number that is a number', () => {
    lineOf({ pan: 4111111111111111, nested: { values: [378282246310005] } });
    expect(written.join('')).not.toMatch(/4111111111111111|378282246310005/);
  });

  it.each([
    ...['authorization', 'Authorization', 'password', 'clientSecret', 'client_secret', 'apiKey', 'api_key', 'tilled-api-key'],
    ...[
      'token',
      'sessionToken',
      'cvc',
      'cvv',
      'cardNumber',
      'card_number',
      'account_number',
      'routingNumber',
      'set-cookie',
      'tilled-signature',
    ],
  ])('blots out whatever is called %s, at any depth', (name) => {
    lineOf({ [name]: 'hunter2', nested: { [name]: { deeper: 'hunter2' }, list: [{ [name]: ['hunter2'] }] } });
    expect(written.join('')).not.toContain('hunter2');
  });

  it('does not follow nesting without end, nor fail on a circle', () => {
    const circle: Record<string, unknown> = { customerId: 'cus_1' };
    circle['self'] = circle;
    expect(lineOf({ circle })).toMatchObject({ circle: { customerId: 'cus_1' } });
  });

  it('leaves every word of ours as it is', async () => {
    const files = (await readdir('src', { recursive: true })).filter((file) => file.endsWith('.ts'));
    const texts = await Promise.all(files.map((file) => readFile(path.join('src', file), 'utf8')));
    const words = texts.flatMap((text) => text.match(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\\n]|\\.)*"/g) ?? []);
    // What is filled in is not ours, and digits alone are the sandbox's card numbers.
    const ours = words.map((word) => word.replaceAll(/\$\{[^}]*\}/g, '…')).filter((word) => !/^'\d+'$/.test(word));
    expect(ours.length).toBeGreaterThan(5_000);
    expect(ours.filter((word) => redactedText(word) !== word)).toEqual([]);
  });

  it.each([
    ['paymentId', 'pay_01k5zq3v8e7m2n4p6r8s0t1v2w'],
    ['customerId', 'cus_01k5zq3v8e7m2n4p6r8s0t1v2w'],
    ['digits', 'pay_01234567890123456789012345'],
    ['tilledPaymentIntentId', 'pi_Zk3VbN8tR5wQ2xYc'],
    ['tilledAccountId', 'acct_Zk3VbN8tR5wQ2xYc'],
    ['requestId', '0f8fad5b-d9cb-469f-a165-70867728950e'],
    ['appId', 'app-1'],
    ['amountMinor', 99_999_999],
    ['at', '2026-03-01T12:00:00.000Z'],
    ['reference', 'order:789'],
    ['isFinal', false],
    ['nothing', null],
  ])('leaves %s = %s as it is', (name, value) => {
    expect(lineOf({ [name]: value })).toMatchObject({ [name]: value });
  });
});

describe('daily files', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'billing-log-'));
  });
  afterEach(async () => {
    jest.useRealTimers();
    await rm(directory, { recursive: true, force: true });
  });

  const filesOf = async () => (await readdir(directory)).filter((name) => name.endsWith('.log')).sort();
  const inFiles = async () => (await Promise.all((await filesOf()).map((name) => readFile(path.join(directory, name), 'utf8')))).join('');

  it('hold what stdout holds, line by line, for their owner only', async () => {
    const log = createLog('info', { directory, name: 'gateway', keptDays: 7, megabytesMax: 1 });
    log.info('payment mirrored', { paymentId: 'pay_1' });
    log.child({ appId: 'app-1' }).error('request failed', errorFields(new Error('no')));
    await log.close();
    expect(await inFiles()).toBe(written.join(''));
    const [name = ''] = await filesOf();
    expect(name).toMatch(/^gateway-\d{4}-\d\d-\d\d\.log$/);
    expect((await stat(path.join(directory, name))).mode & 0o077).toBe(0);
  });

  it('never hold a card, a key or a secret, whichever way it comes: message, fields, child, error, cause, name', async () => {
    const canaries = ['4111 1111 1111 1111', '5555555555554444', 'sk_live_Canary0123456789', 'whsec_Canary0123456789', 'hunter2-canary'];
    const log = createLog('debug', { directory, name: 'worker', keptDays: 7, megabytesMax: 1 });
    for (const canary of canaries.slice(0, -1)) {
      const error = new Error(`failed with ${canary}`, { cause: new Error(`because of ${canary}`) });
      for (const level of ['debug', 'info', 'warn', 'error'] as const) {
        log[level](`said ${canary}`, {
          plain: canary,
          nested: [{ deep: canary }],
          json: JSON.stringify({ canary }),
          ...errorFields(error),
        });
        log.child({ of: canary })[level](canary);
      }
    }
    log.info('made', { password: 'hunter2-canary', nested: { clientSecret: 'hunter2-canary', card_number: 'hunter2-canary' } });
    log.info('last line');
    await log.close();
    const everything = written.join('') + (await inFiles());
    expect(everything.split('\n').length).toBe(2 * (4 * 4 * 2 + 2) + 1);
    for (const canary of canaries) expect(everything).not.toContain(canary);
    expect(everything.replaceAll(' ', '')).not.toMatch(/4111111111111111|5555555555554444/);
  });

  it('begin anew every day, and are removed when they are older than they are kept', async () => {
    jest.useFakeTimers({
      doNotFake: ['setTimeout', 'setImmediate', 'nextTick', 'queueMicrotask', 'setInterval', 'clearTimeout', 'clearInterval'],
    });
    for (let day = 1; day <= 12; day += 1) {
      jest.setSystemTime(new Date(Date.UTC(2026, 2, day, 12)));
      // Every day a new process: what an earlier one wrote is counted too.
      const log = createLog('info', { directory, name: 'gateway', keptDays: 7, megabytesMax: 1 });
      log.info(`day ${day}`);
      await log.close();
    }
    const kept = await filesOf();
    expect(kept.length).toBeGreaterThanOrEqual(7);
    expect(kept.length).toBeLessThanOrEqual(8);
    expect(kept.at(-1)).toBe('gateway-2026-03-12.log');
  });

  it('are not there unless asked for, and not for a silent log', async () => {
    createLog('silent', { directory, name: 'gateway', keptDays: 7, megabytesMax: 1 }).error('request failed');
    createLog('info').info('payment mirrored');
    expect(await readdir(directory)).toEqual([]);
  });
});

function lineOf(fields: LogFields): Record<string, unknown> {
  createLog('info').info('refund mirrored', fields);
  return parsed();
}

function parsed(): Record<string, unknown> {
  return JSON.parse(written.join('')) as Record<string, unknown>;
}
