import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readBackupConfig, readDatabaseUrl } from '../../src/config.backup.js';
import { ConfigError, readConfig } from '../../src/config.js';
import { readPreflightConfig } from '../../src/config.preflight.js';
import { addressOf } from '../../src/platform/db/address.js';
import { Certificates } from '../support/certificates.js';

let certificates: Certificates;
let directory: string;

beforeAll(async () => {
  certificates = await Certificates.make();
  directory = mkdtempSync(path.join(tmpdir(), 'bg_test_'));
});
afterAll(async () => {
  await certificates.close();
  rmSync(directory, { recursive: true });
});

const read = (query: string, more: Readonly<Record<string, string>> = {}, host = 'db.example.com') =>
  readConfig({ DATABASE_URL_BILLING: `mysql://u:hunter2@${host}:3306/billing_db?${query}`, ...more }, '/').database;
const problems = (query: string, more: Readonly<Record<string, string>> = {}) => {
  try {
    read(query, more);
  } catch (error) {
    return (error as ConfigError).problems;
  }
  return [];
};

describe('a database URL', () => {
  it.each([
    ...['ssl-mode=VERIFY_IDENTITY', 'ssl_mode=verify_identity', 'sslMode=VERIFY_IDENTITY', 'sslmode=verify-full', 'tls=true', 'ssl=true'],
    ...['sslaccept=strict', 'ssl={"rejectUnauthorized":true}', `ssl=${encodeURIComponent('{ "rejectUnauthorized": true }')}`],
  ])('with %s has the server and its name verified', (query) => {
    expect(read(query).tls).toEqual({ mode: 'VERIFY_IDENTITY', ca: null, cert: null, key: null });
  });

  it.each([
    ['ssl-mode=VERIFY_CA', 'VERIFY_CA'],
    ['sslMode=verify-ca', 'VERIFY_CA'],
    ['ssl-mode=REQUIRED', 'REQUIRED'],
    ['sslMode=trust', 'REQUIRED'],
    ['tls=skip-verify', 'REQUIRED'],
    ['sslaccept=accept_invalid_certs', 'REQUIRED'],
    ['ssl={"rejectUnauthorized":false}', 'REQUIRED'],
    ['ssl-mode=DISABLED', 'DISABLED'],
    ['sslMode=disable', 'DISABLED'],
    ['useSSL=false', 'DISABLED'],
    ['tls=false', 'DISABLED'],
    ['ssl=false', 'DISABLED'],
  ])('with %s has %s', (query, mode) => {
    expect(read(`connection_limit=5&${query}`)).toMatchObject({ poolSize: 5, tls: { mode } });
  });

  it('with files alone has the name verified, and knows them by their absolute paths', () => {
    const [ca, cert, key] = [certificates.file('ca'), certificates.file('client'), certificates.key('client')];
    expect(read(`ssl-ca=${ca}&ssl-cert=${cert}&ssl-key=${key}`).tls).toEqual({ mode: 'VERIFY_IDENTITY', ca, cert, key });
    expect(read(`ssl-ca=${path.relative(process.cwd(), ca)}`).tls?.ca).toBe(ca);
  });

  it('takes the variables where it says nothing itself, and nothing of them otherwise', () => {
    const variables = { BILLING_DATABASE_SSL_MODE: 'VERIFY_CA', BILLING_DATABASE_SSL_CA: certificates.file('ca') };
    expect(read('', variables).tls).toMatchObject({ mode: 'VERIFY_CA', ca: certificates.file('ca') });
    expect(read('ssl-mode=DISABLED', variables).tls).toEqual({ mode: 'DISABLED', ca: null, cert: null, key: null });
    expect(read('').tls).toBeNull();
  });

  it.each([
    ['ssl-mode=PREFERRED', /PREFERRED, which falls back to plain text: say ssl-mode=VERIFY_IDENTITY/],
    ['tls=preferred', /the parameter tls with a value that can mean several things: say ssl-mode/],
    ['useSSL=true', /the parameter useSSL with a value that can mean several things/],
    ['ssl=Amazon RDS', /the parameter ssl with a value that can mean several things/],
    ['ssl=constructor', /the parameter ssl with a value that can mean several things/],
    ['tls=toString', /the parameter tls with a value that can mean several things/],
    ['constructor=name', /has the parameter constructor, which billing does not know/],
    ['__proto__=hunter3', /has a parameter that is no word, which billing does not know/],
    ['ssl-mode=hunter3', /an ssl-mode that is not known: say ssl-mode/],
    ['ssl-mode=REQUIRED&sslMode=DISABLED', /says ssl-mode twice/],
    ['sslcert=hunter3', /the parameter sslcert, which means the authority to some clients .* say ssl-ca or ssl-cert/],
    ['sslidentity=hunter3', /the parameter sslidentity, which names a PKCS#12 file/],
    ['pool_timeout=3', /has the parameter pool_timeout, which billing does not know/],
    ['charset=hunter3', /has the parameter charset, which billing does not know/],
    ['hunter3@x/y', /has a parameter that is no word, which billing does not know/],
    ['ssl-ca=/hunter3.pem', /an ssl-ca that cannot be read \(ENOENT\)/],
    ['ssl-cert=/hunter3.pem', /an ssl-cert alone: a certificate needs its key/],
    ['ssl-key=/hunter3.pem', /an ssl-key alone: a certificate needs its key/],
    ['ssl-mode=DISABLED&ssl-ca=/hunter3', /files for TLS, which ssl-mode=DISABLED switches off/],
    ['ssl-mode=REQUIRED&ssl-ca=/hunter3', /an ssl-ca, which ssl-mode=REQUIRED would not look at/],
  ])('with %s is refused by name, and shows no value', (query, sentence) => {
    const found = problems(query);
    expect(found).toContainEqual(expect.stringMatching(sentence));
    expect(found.join()).not.toContain('hunter');
  });

  it('is refused with a file that is no certificate, and with the key of another', () => {
    const file = path.join(directory, 'notes.txt');
    writeFileSync(file, 'no certificate');
    expect(problems(`ssl-ca=${file}`)).toEqual([expect.stringMatching(/an ssl-ca that is no PEM file/)]);
    const [cert, key] = [certificates.file('client'), certificates.key('server')];
    expect(problems(`ssl-cert=${cert}&ssl-key=${key}`)).toEqual([
      expect.stringMatching(/an ssl-key that does not belong to the certificate/),
    ]);
    const variables = { BILLING_DATABASE_SSL_CA: file };
    expect(problems('', variables)).toEqual([expect.stringMatching(/^The environment has a BILLING_DATABASE_SSL_CA that is no PEM file/)]);
  });

  it('may name an IPv6 address, and encode whatever a password has', () => {
    const { location } = readDatabaseUrl({}, 'mysql://a%40b:p%40s%2Fs%25%23%3F@[::1]:3307/billing_db', '--to');
    expect(addressOf(location)).toEqual({ host: '::1', port: 3307, user: 'a@b', password: 'p@s/s%#?', database: 'billing_db' });
    for (const password of ['p%', 'a#b', 'a/b'])
      expect(() => readDatabaseUrl({}, `mysql://u:${password}@db/billing_db`, '--to')).toThrow(/is not a mysql:\/\/ URL, or its password/);
  });

  it('of backups, drills, restores and reports is read by the same rules', () => {
    const refused = /has the parameter charset, which billing does not know/;
    const url = 'mysql://u:hunter2@db/billing_db?charset=latin1';
    const restic = { RESTIC_REPOSITORY: '/r', RESTIC_PASSWORD: 'p' };
    for (const name of ['BILLING_BACKUP_DATABASE_URL', 'BILLING_DRILL_DATABASE_URL'])
      expect(() => readBackupConfig({ ...restic, [name]: url }, readConfig({}, '/'))).toThrow(refused);
    expect(() => readDatabaseUrl({}, url, '--to')).toThrow(refused);
    expect(() => readPreflightConfig({ DATABASE_URL_BILLING_READONLY: url }, '/')).toThrow(refused);
    const ofAll = { BILLING_DATABASE_SSL_MODE: 'REQUIRED', ...restic };
    expect(readDatabaseUrl(ofAll, 'mysql://u:p@db/billing_db', '--to').tls?.mode).toBe('REQUIRED');
  });
});
