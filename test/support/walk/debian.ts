/** A package of Debian's, as far as a walk sees it. */
export interface DebianPackage {
  /** Programs that a shell finds once it is installed. */
  readonly programs?: readonly string[];
  /** A user of its own, who owns what it keeps. */
  readonly user?: string;
  /** Directories it brings; those below /var are its user's. */
  readonly directories?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  /** Run once, as root. */
  readonly afterwards?: readonly string[];
  /** Its service, by name, as its unit starts it. */
  readonly service?: { readonly name: string; readonly command: string; readonly ready?: readonly string[] };
}

/** What a Debian without any further package has, as far as a document uses it. */
export const ESSENTIAL = [
  ...[
    'adduser',
    'awk',
    'basename',
    'bash',
    'cat',
    'chmod',
    'chown',
    'cp',
    'cut',
    'date',
    'dirname',
    'env',
    'grep',
    'gzip',
    'head',
    'hostname',
  ],
  ...[
    'id',
    'install',
    'ln',
    'ls',
    'mkdir',
    'mktemp',
    'mv',
    'rm',
    'runuser',
    'sed',
    'sh',
    'sleep',
    'sort',
    'tail',
    'tar',
    'tee',
    'touch',
    'tr',
    'uname',
  ],
];

const MARIADB_CONF = `[client-server]
socket = /run/mysqld/mysqld.sock
port = 3306
!includedir /etc/mysql/mariadb.conf.d/
[mariadbd]
datadir = /var/lib/mysql
skip_name_resolve = ON
`;

/**
 * What the packages bring that a document installs. A test machine has their programs (support/programs.mjs); they are started here as their
 * units start them, on directories of the walk.
 */
export const PACKAGES: Readonly<Record<string, DebianPackage>> = {
  'ca-certificates': {},
  curl: { programs: ['curl'] },
  nodejs: { programs: ['node'] },
  npm: { programs: ['npm', 'npx'] },
  openssl: { programs: ['openssl'] },
  restic: { programs: ['restic'] },
  'mariadb-client': { programs: ['mariadb-dump', 'mariadb-binlog'] },
  'mariadb-server': {
    user: 'mysql',
    directories: ['/etc/mysql/mariadb.conf.d', '/var/lib/mysql', '/run/mysqld'],
    files: { '/etc/mysql/my.cnf': MARIADB_CONF },
    afterwards: ['mariadb-install-db', '--defaults-file=/etc/mysql/my.cnf', '--user=mysql', '--skip-test-db'],
    service: {
      name: 'mariadb',
      command: '/usr/sbin/mariadbd --defaults-file=/etc/mysql/my.cnf',
      ready: ['mariadb-admin', '--defaults-file=/etc/mysql/my.cnf', 'ping'],
    },
  },
  'redis-server': {
    user: 'redis',
    directories: ['/var/lib/redis'],
    service: { name: 'redis-server', command: '/usr/bin/redis-server --bind 127.0.0.1 --port 6379 --dir /var/lib/redis' },
  },
  haproxy: {
    directories: ['/etc/haproxy'],
    service: { name: 'haproxy', command: '/usr/sbin/haproxy -db -f /etc/haproxy/haproxy.cfg' },
  },
  prometheus: {
    programs: ['promtool'],
    user: 'prometheus',
    directories: ['/etc/prometheus', '/var/lib/prometheus'],
    service: {
      name: 'prometheus',
      command:
        '/usr/bin/prometheus --config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/var/lib/prometheus --web.listen-address=127.0.0.1:9090',
    },
  },
  'prometheus-alertmanager': {
    user: 'prometheus',
    directories: ['/etc/prometheus', '/var/lib/prometheus'],
    service: {
      name: 'prometheus-alertmanager',
      command:
        '/usr/bin/prometheus-alertmanager --config.file=/etc/prometheus/alertmanager.yml --storage.path=/var/lib/prometheus/alertmanager --web.listen-address=127.0.0.1:9093 --cluster.listen-address=',
    },
  },
};
