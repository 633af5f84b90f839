/**
 * Programs that some tests need besides Node and a database server. `npm test` leaves those tests out where the programs are
 * missing, and names them in its last lines; `.ci/run` has them installed first:
 *
 *   node test/support/programs.mjs --install     with apt-get, as root on Debian; elsewhere it says what is missing
 *
 * The code of the release before, which comes from the clone's history, is looked for and told in the same way.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { canMakeNetworks, GALERA_LIBRARIES, LIBFAKETIME } from './galera-cluster.mjs';
import { olderNode } from './older-node.mjs';
import { fetchReleaseBefore, hasReleaseBefore, RELEASE_BEFORE } from './release-before.mjs';

/** Tests of the alert rules. */
const PROMETHEUS = '.prometheus.test.ts';
/** Tests of the client on a Node that is older than the gateway's. */
const OLDER_NODE = '.node20.test.ts';
/** Tests with the release before. */
const UPGRADE = '.upgrade.test.ts';
const GO_LIVE = 'test/scenarios/go-live.prometheus.test.ts';
/** Walks docs/operations.md, and has all that a Debian machine gets by it. */
const WALK = 'test/scenarios/operations.test.ts';

/** Fills disks. */
const DISK = 'test/scenarios/full-disk.test.ts';
/** Tests on a cluster of servers. */
const GALERA = '.galera.test.ts';

/** @type {readonly { names: readonly string[], debian: string, tests: readonly string[] }[]} `names` of programs, or paths of files */
const PROGRAMS = [
  {
    names: ['restic'],
    debian: 'restic',
    tests: ['test/unit/backup-retention.test.ts', 'test/scenarios/backup-restore.test.ts', GO_LIVE, WALK],
  },
  { names: ['mariadb-dump', 'mysqldump'], debian: 'mariadb-client', tests: ['test/scenarios/backup-restore.test.ts', GO_LIVE] },
  { names: ['mariadb-binlog', 'mysqlbinlog'], debian: 'mariadb-client', tests: ['test/scenarios/backup-restore.test.ts', GO_LIVE] },
  { names: ['mysql'], debian: 'mariadb-client', tests: ['test/contract/docker-users.test.ts'] },
  { names: ['prometheus'], debian: 'prometheus', tests: [PROMETHEUS, WALK] },
  { names: ['promtool'], debian: 'prometheus', tests: [PROMETHEUS] },
  { names: ['redis-server'], debian: 'redis-server', tests: ['.redis.test.ts', WALK] },
  { names: ['prometheus-alertmanager'], debian: 'prometheus-alertmanager', tests: [PROMETHEUS, WALK] },
  { names: ['amtool'], debian: 'prometheus-alertmanager', tests: [PROMETHEUS] },
  { names: ['openssl'], debian: 'openssl', tests: [WALK] },
  { names: ['curl'], debian: 'curl', tests: [WALK] },
  { names: ['adduser'], debian: 'adduser', tests: [WALK] },
  { names: ['chromium'], debian: 'chromium', tests: ['.chromium.test.ts'] },
  { names: ['haproxy'], debian: 'haproxy', tests: ['.haproxy.test.ts', WALK] },
  { names: GALERA_LIBRARIES, debian: 'galera-4', tests: [GALERA] },
  { names: ['ip'], debian: 'iproute2', tests: [GALERA] },
  { names: LIBFAKETIME, debian: 'libfaketime', tests: ['test/scenarios/work.galera.test.ts'] },
  { names: ['systemd-analyze'], debian: 'systemd', tests: ['test/unit/systemd-units.test.ts'] },
];

/** Those of the list that this machine does not have. */
function missingPrograms() {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'].filter(Boolean);
  const isHere = (name) => (isAbsolute(name) ? existsSync(name) : directories.some((directory) => existsSync(join(directory, name))));
  return PROGRAMS.filter(({ names }) => !names.some(isHere));
}

/** What else this machine lacks, with the test that needs it, and what is said of it. */
function missingElse() {
  const walk = { test: WALK, why: 'it makes users, which only root may' };
  const disk = { test: DISK, why: 'it makes a small disk, which only root may, and not in every container' };
  const upgrade = {
    test: UPGRADE,
    why: `this clone has not the release before (git fetch --depth=1 origin ${RELEASE_BEFORE.commit})`,
  };
  const older = { test: OLDER_NODE, why: 'there is no Node 20 to 23 here besides the one that `npm ci` brings' };
  const galera = { test: GALERA, why: 'it makes network namespaces, which only root may, and not in every container' };
  return [
    ...(isRoot() ? [] : [walk]),
    ...(canMount() ? [] : [disk]),
    ...(canMakeNetworks() ? [] : [galera]),
    ...(hasReleaseBefore() ? [] : [upgrade]),
    ...(olderNode() === null ? [older] : []),
  ];
}

/** Patterns of the tests that want what this machine does not have. */
export function missingTests() {
  return [...new Set([...missingPrograms().flatMap(({ tests }) => tests), ...missingElse().map(({ test }) => test)])];
}

/** Whether a cluster can be made here, and so what runs on one. */
export function canMakeCluster() {
  return !missingTests().includes(GALERA);
}

/** What is left out for want of something, one line each, and how to get it. */
export function describeMissing() {
  const programs = missingPrograms().map(
    ({ names, debian, tests }) =>
      `Left out, because there is no ${names.join(' or ')} here (apt-get install ${debian}): ${tests.join(', ')}`,
  );
  const others = missingElse().map(({ why, test }) => `Left out, because ${why}: ${test}`);
  return [
    ...programs,
    ...others,
    ...(canMakeCluster() ? [] : ['Left out with them: the tests of `npm run test:long` that run on a cluster too']),
  ];
}

function isRoot() {
  return process.getuid?.() === 0;
}

function canMount() {
  if (!isRoot()) return false;
  const directory = mkdtempSync(join(tmpdir(), 'bg_test_mount_'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', directory]).status === 0;
  if (isMounted) spawnSync('umount', ['-l', directory]);
  rmSync(directory, { recursive: true });
  return isMounted;
}

if (process.argv[1] === import.meta.filename && process.argv.includes('--install')) install();

/** Installs what is missing. What cannot be installed is left out by the tests, which say so. */
function install() {
  fetchReleaseBefore();
  const packages = [...new Set(missingPrograms().map(({ debian }) => debian))];
  if (packages.length === 0) return;
  if (!isRoot() || !existsSync('/usr/bin/apt-get')) return console.log(describeMissing().join('\n'));
  console.log(`Installing with apt-get: ${packages.join(', ')}`);
  const options = { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  const waitForLock = ['-o', 'DPkg::Lock::Timeout=300', '-qq'];
  spawnSync('apt-get', [...waitForLock, 'update'], options);
  spawnSync('apt-get', [...waitForLock, 'install', '-y', '--no-install-recommends', ...packages], options);
}
