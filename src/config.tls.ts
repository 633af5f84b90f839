import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import type { EnvironmentReader } from './config.reader.js';

/** How well a connection to a database server is protected, in the words of MySQL's own clients. */
export type TlsMode = 'DISABLED' | 'REQUIRED' | 'VERIFY_CA' | 'VERIFY_IDENTITY';

/** What was said of it. The files are PEM, by absolute path; `ca` null stands for the system's authorities. */
export interface DatabaseTls {
  readonly mode: TlsMode;
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

/** What a URL or the variables may say. */
type Words = Partial<Record<'mode' | 'ca' | 'cert' | 'key', string>>;

const FILES = ['ca', 'cert', 'key'] as const;
const EXAMPLE =
  'mysql://billing:password@db.example.com:3306/billing_db?connection_limit=10&ssl-mode=VERIFY_IDENTITY&ssl-ca=/etc/billing/ca.pem';

/** Words of ssl-mode, and of sslMode as the drivers of Java have it. */
const MODES: Readonly<Record<string, TlsMode>> = {
  ...{ DISABLED: 'DISABLED', REQUIRED: 'REQUIRED', VERIFY_CA: 'VERIFY_CA', VERIFY_IDENTITY: 'VERIFY_IDENTITY' },
  ...{ DISABLE: 'DISABLED', TRUST: 'REQUIRED', VERIFY_FULL: 'VERIFY_IDENTITY' },
};

/** What other clients call it, where it can mean one thing only. A yes without more is the strictest. */
const ELSEWHERE: Readonly<Record<string, Readonly<Record<string, TlsMode>>>> = {
  // mysql2
  ssl: {
    ...{ true: 'VERIFY_IDENTITY', false: 'DISABLED' },
    ...{ '{"rejectUnauthorized":true}': 'VERIFY_IDENTITY', '{"rejectUnauthorized":false}': 'REQUIRED' },
  },
  // Go
  tls: { true: 'VERIFY_IDENTITY', 'skip-verify': 'REQUIRED', false: 'DISABLED' },
  // Prisma
  sslaccept: { strict: 'VERIFY_IDENTITY', accept_invalid_certs: 'REQUIRED' },
  // Java
  usessl: { false: 'DISABLED' },
};

const SAY_MODE = 'say ssl-mode=VERIFY_IDENTITY (or VERIFY_CA, REQUIRED, DISABLED)';

/** Parameters of other clients that mean several things, or what we have in another form. */
const HINTS: Readonly<Record<string, string>> = {
  sslcert: 'means the authority to some clients and the certificate of the client to others: say ssl-ca or ssl-cert',
  sslidentity: 'names a PKCS#12 file: give its parts as PEM files with ssl-cert and ssl-key',
  sslpassword: 'is of a PKCS#12 file: give its parts as PEM files with ssl-cert and ssl-key',
};

/** Parameters that are read elsewhere. */
const NOT_OF_TLS: ReadonlySet<string> = new Set(['connection_limit', 'load_balance_hosts']);

/** Variables that speak for every database URL which says nothing of TLS itself. */
const VARIABLES = {
  mode: 'BILLING_DATABASE_SSL_MODE',
  ca: 'BILLING_DATABASE_SSL_CA',
  cert: 'BILLING_DATABASE_SSL_CERT',
  key: 'BILLING_DATABASE_SSL_KEY',
} as const;

/**
 * What a database URL, or the variables where it says nothing, demand of the connection; null where nothing does. What
 * speaks of files alone wants the server's name verified. Problems go to the reader, as do unknown parameters.
 */
export function readTls(reader: EnvironmentReader, url: URL, name: string): DatabaseTls | null {
  const words = wordsOf(reader, url, name);
  if (Object.keys(words).length > 0) return checked(reader, words, { name, called: (part) => `an ssl-${part}` });
  const given = Object.entries(VARIABLES).map(([part, variable]) => [part, reader.text(variable)] as const);
  const ofAll: Words = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  if (Object.keys(ofAll).length === 0) return null;
  return checked(reader, ofAll, { name: 'The environment', called: (part) => `a ${VARIABLES[part]}` });
}

function wordsOf(reader: EnvironmentReader, url: URL, name: string): Words {
  const words: Words = {};
  const say = (part: keyof Words, value: string) => {
    if (words[part] !== undefined) reader.wrong(name, `says ssl-${part} twice`, EXAMPLE);
    words[part] = value;
  };
  for (const [parameter, value] of url.searchParams) {
    const plain = parameter.toLowerCase().replace(/[-_]/g, '');
    const hint = /^ssl[-_]/i.test(parameter) || !Object.hasOwn(HINTS, plain) ? undefined : HINTS[plain];
    if (NOT_OF_TLS.has(parameter)) continue;
    else if (hint !== undefined) reader.wrong(name, `has the parameter ${parameter}, which ${hint}`, EXAMPLE);
    else if (['sslmode', 'sslca', 'sslcert', 'sslkey'].includes(plain)) say(plain.slice(3) as keyof Words, value);
    else if (Object.hasOwn(ELSEWHERE, plain)) say('mode', meant(reader, { name, parameter, value, words: ELSEWHERE[plain] ?? {} }));
    else reader.wrong(name, `has ${shown(parameter)}, which billing does not know`, EXAMPLE);
  }
  return words;
}

/** Another client's word in ours. */
function meant(
  reader: EnvironmentReader,
  { name, parameter, value, words }: { name: string; parameter: string; value: string; words: Readonly<Record<string, TlsMode>> },
): string {
  const word = value.replace(/\s/g, '');
  const mode = Object.hasOwn(words, word) ? words[word] : undefined;
  if (mode === undefined)
    reader.wrong(name, `has the parameter ${parameter} with a value that can mean several things: ${SAY_MODE}`, EXAMPLE);
  return mode ?? 'VERIFY_IDENTITY';
}

/** What is no word may be a part of a password. */
function shown(parameter: string): string {
  return /^[A-Za-z][\w.-]{0,39}$/.test(parameter) ? `the parameter ${parameter}` : 'a parameter that is no word';
}

/** How problems are told. */
interface Speaker {
  readonly name: string;
  readonly called: (part: keyof Words) => string;
}

function checked(reader: EnvironmentReader, words: Words, speaker: Speaker): DatabaseTls {
  const { name, called } = speaker;
  const said = (words.mode ?? 'VERIFY_IDENTITY').toUpperCase().replaceAll('-', '_');
  const mode = MODES[said];
  if (mode === undefined) {
    const why = said === 'PREFERRED' ? 'PREFERRED, which falls back to plain text' : 'that is not known';
    reader.wrong(name, `has ${called('mode')} ${why}: ${SAY_MODE}`, EXAMPLE);
  }
  if ((words.cert === undefined) !== (words.key === undefined))
    reader.wrong(name, `has ${called(words.cert === undefined ? 'key' : 'cert')} alone: a certificate needs its key`, EXAMPLE);
  if (words.ca !== undefined && mode === 'REQUIRED')
    reader.wrong(name, `has ${called('ca')}, which ssl-mode=REQUIRED would not look at: ${SAY_MODE}`, EXAMPLE);
  if (mode === 'DISABLED' && FILES.some((part) => words[part] !== undefined))
    reader.wrong(name, `has files for TLS, which ssl-mode=DISABLED switches off: ${SAY_MODE}`, EXAMPLE);
  const files = FILES.map((part) => [part, words[part] === undefined ? null : path.resolve(words[part])] as const);
  const texts = Object.fromEntries(files.map(([part, file]) => [part, file === null ? undefined : pemOf(reader, { part, file, speaker })]));
  const isWhole = files.every(([part, file]) => (file === null) === (texts[part] === undefined));
  if (isWhole && !canBeUsed(texts))
    reader.wrong(name, `has ${called('key')} that does not belong to the certificate, or a broken file`, EXAMPLE);
  return { mode: mode ?? 'VERIFY_IDENTITY', ...(Object.fromEntries(files) as Record<(typeof FILES)[number], string | null>) };
}

function pemOf(
  reader: EnvironmentReader,
  { part, file, speaker }: { part: (typeof FILES)[number]; file: string; speaker: Speaker },
): string | undefined {
  const say = (reason: string) => reader.wrong(speaker.name, `has ${speaker.called(part)} that ${reason}`, EXAMPLE);
  try {
    const text = readFileSync(file, 'utf8');
    if (text.includes('-----BEGIN ')) return text;
    say('is no PEM file');
  } catch (error) {
    say(`cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  return undefined;
}

function canBeUsed({ ca, cert, key }: Record<string, string | undefined>): boolean {
  try {
    createSecureContext({ ca, cert, key });
    return true;
  } catch {
    return false;
  }
}
