import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { interrupted, run } from './children.mjs';

/**
 * A server the tests may create databases on.
 * @typedef {{ url: string, describedAs: string, close(): Promise<void> }} TestServer
 */

/** Something the person at the terminal can cure: print the message, no stack. */
export class CannotTest extends Error {}

const startTimeoutMs = 120_000;
const serverNames = ['mariadbd', 'mysqld'];
const installerNames = ['mariadb-install-db', 'mysql_install_db'];

/**
 * Opens the server to test on: TEST_DATABASE_URL if given; else a private one from the binaries of this machine, which are installed
 * first if they are missing and we are root on a system with apt. Throws CannotTest if there is none.
 * @param {string} runDirectory an empty directory of this run's own; a private server lives, and dies, with it
 * @param {string} databasePrefix what the names of the databases made by this run begin with
 * @returns {Promise<TestServer>}
 */
export async function openTestServer(runDirectory, databasePrefix) {
  const given = process.env.TEST_DATABASE_URL;
  if (given) return openGivenServer(given, databasePrefix);
  const binary = findProgram(serverNames) ?? (await installServer());
  return startPrivateServer(binary, runDirectory);
}

/**
 * Checks that the server answers; when closed, drops the databases that this run left behind on it, and nothing else.
 * @param {string} given
 * @param {string} databasePrefix
 * @returns {Promise<TestServer>}
 */
async function openGivenServer(given, databasePrefix) {
  if (!URL.canParse(given) || !['mysql:', 'mariadb:'].includes(new URL(given).protocol)) {
    throw new CannotTest(
      'TEST_DATABASE_URL must look like mysql://user:password@host:3306; tests create and drop databases bg_test_… there.',
    );
  }
  const { username, password, host, hostname } = new URL(given);
  const url = `mysql://${username}${password && `:${password}`}@${host}`;
  const version = await askVersion(url).catch((cause) => {
    throw new CannotTest(`The server of TEST_DATABASE_URL (${hostname}) does not let us in: ${cause.message}`, { cause });
  });
  const close = async () => {
    const connection = await mysql.createConnection(url);
    const [left] = await connection.query(
      'SELECT schema_name AS name FROM information_schema.schemata WHERE LEFT(schema_name, ?) = ?', //
      [databasePrefix.length, databasePrefix],
    );
    for (const { name } of left) await connection.query('DROP DATABASE IF EXISTS ??', [name]);
    await connection.end();
  };
  return { url, describedAs: `${version} of TEST_DATABASE_URL, on ${hostname}`, close };
}

/**
 * Starts a server that only this run can log in to and that ends with it, however it ends (throwaway-server.sh).
 * @param {string} binary
 * @param {string} runDirectory
 * @returns {Promise<TestServer>}
 */
async function startPrivateServer(binary, runDirectory) {
  const password = randomBytes(12).toString('hex');
  const account = "'root'@'127.0.0.1'";
  writeFileSync(
    join(runDirectory, 'init.sql'),
    `DROP USER IF EXISTS ${account};
CREATE USER ${account} IDENTIFIED BY '${password}';
GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION;
`,
    { mode: 0o600 },
  );

  const port = await findFreePort();
  const installer = findProgram(installerNames);
  // MySQL's server knows --initialize-insecure; MariaDB's needs the installer beside it.
  const withInstaller = installer && !(await isMysql(binary)) ? [installer] : [];
  const script = join(import.meta.dirname, 'throwaway-server.sh');
  const keeper = spawn('sh', [script, runDirectory, String(port), binary, ...withInstaller], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
  });
  let complaint = '';
  keeper.stderr.setEncoding('utf8').on('data', (text) => {
    complaint += text;
  });
  const ended = new Promise((resolve) => keeper.on('close', resolve));
  const close = async () => {
    keeper.stdin.end();
    await ended;
  };

  const url = `mysql://root:${password}@127.0.0.1:${port}`;
  try {
    const version = await Promise.race([answer(url), ended.then(() => null)]);
    if (version === null) throw new CannotTest(`${binary} did not start. Its last words:\n${complaint}`);
    return { url, describedAs: `a private ${version} on port ${port}`, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Waits until the server answers, and says what it is. Throws if we are interrupted, or after `startTimeoutMs`.
 * @param {string} url
 */
async function answer(url) {
  const giveUpAt = Date.now() + startTimeoutMs;
  for (;;) {
    interrupted.throwIfAborted();
    try {
      return await askVersion(url);
    } catch (cause) {
      if (Date.now() > giveUpAt) throw new CannotTest(`The private database server did not answer: ${cause.message}`, { cause });
      await sleep(50);
    }
  }
}

/** @param {string} url */
async function askVersion(url) {
  const connection = await mysql.createConnection({ uri: url, connectTimeout: 5_000 });
  const [rows] = await connection.query('SELECT VERSION() AS version');
  await connection.end();
  const { version } = rows[0];
  return version.includes('MariaDB') ? `MariaDB ${version.split('-')[0]}` : `MySQL ${version}`;
}

/**
 * Installs the server's programs with apt and returns the server's path. The -core packages bring no service, no system data directory
 * and no configuration, so nothing runs that did not run before. Newer systems name them without a version, older ones with it.
 */
async function installServer() {
  const choices = 'set TEST_DATABASE_URL=mysql://user:password@host:3306, install MariaDB or MySQL, or run `npm test -- --embedded-only`';
  const aptGet = findProgram(['apt-get']);
  if (process.getuid?.() !== 0 || !aptGet) {
    throw new CannotTest(`The tests also need MariaDB or MySQL, and this machine has no mariadbd or mysqld: ${choices}.`);
  }

  const packages = ['mariadb-server-core', 'mariadb-client-core'].map((name) => `^${name}(-[0-9.]+)?$`);
  console.log(
    'No mariadbd or mysqld on this machine: installing mariadb-server-core and mariadb-client-core with apt-get (no service is started).',
  );
  const options = { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  const waitForLock = ['-o', 'DPkg::Lock::Timeout=300'];
  // A mirror that fails here may still have left lists good enough to install from.
  await run(aptGet, [...waitForLock, '-qq', 'update'], options);
  const status = await run(aptGet, [...waitForLock, '-qq', 'install', '-y', '--no-install-recommends', ...packages], options);
  interrupted.throwIfAborted();

  const installed = findProgram(serverNames);
  if (status !== 0 || !installed) throw new CannotTest(`apt-get could not install MariaDB (status ${status}): ${choices}.`);
  return installed;
}

/** @param {string} binary */
async function isMysql(binary) {
  const child = spawn(binary, ['--no-defaults', '--version'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return !text.includes('MariaDB');
}

/**
 * The path of the first of these programs found on PATH or where systems keep their servers; null if none is.
 * @param {string[]} names
 */
function findProgram(names) {
  const directories = [...(process.env.PATH ?? '').split(delimiter), ...serverDirectories()].filter(Boolean);
  const paths = names.flatMap((name) => directories.map((directory) => join(directory, name)));
  return paths.find(isExecutable) ?? null;
}

/** Where servers are when PATH does not say so. BILLING_TEST_SERVER_DIRECTORIES stands in for it when this file itself is tried out. */
function serverDirectories() {
  const named = process.env.BILLING_TEST_SERVER_DIRECTORIES;
  return named === undefined ? ['/usr/sbin', '/usr/local/sbin', '/usr/local/mysql/bin'] : named.split(delimiter);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return existsSync(path);
  } catch {
    return false;
  }
}

/** @returns {Promise<number>} */
function findFreePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
      probe.close(() => resolve(port));
    });
  });
}
