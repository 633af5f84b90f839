import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../processes.js';
import { type DebianPackage, ESSENTIAL, PACKAGES } from './debian.js';
import { Services } from './services.js';
import { readUnit, type Unit } from './units.js';

const PROJECT = path.resolve(import.meta.dirname, '../../..');
const PLACES = ['/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const READY_MS_MAX = 60_000;
/** What a release holds, with the lock of this project in place of the one that is made for it. */
const { files } = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as { files: string[] };
const RELEASE = [...files.filter((file) => file !== 'npm-shrinkwrap.json'), 'package.json', 'package-lock.json'];
/** Below these a walk writes; each lies in a directory of its own. */
const DIRECTORIES = /(?<![\w.}/-])\/(etc|opt|var|srv|run|usr\/local\/bin)(?=\/)/g;
const PORTS = [3306, 4000, 4001, 4010, 6379, 9090, 9093];

/**
 * A machine for a document to be walked on: a directory in place of `/`, with nothing in it but what the document puts there. What the
 * document's lines, the files of ops and the units say is changed in three things only: directories, ports and the host's name. `apt-get` gives
 * the walk the programs of a package that this machine has, and `systemctl` starts what a unit's ExecStart says, as its user.
 */
export class Machine {
  /** Packages that were installed, and units that were enabled. */
  readonly installed = new Set<string>();
  readonly enabled = new Set<string>();
  readonly services: Services;
  private readonly madeUsers: string[] = [];
  private readonly units = new Map<string, Unit & { readonly ready?: readonly string[] }>();
  private server: Server | undefined;

  private constructor(
    readonly root: string,
    private readonly substitutions: readonly (readonly [RegExp, string])[],
  ) {
    this.services = new Services(`${root}/bin:${root}/usr/local/bin`, `${root}/journal`);
  }

  static async create(): Promise<Machine> {
    // Other users must get in, which the temporary directory of a run does not let them.
    const root = await mkdtemp('/var/tmp/bg_walk_');
    await chmod(root, 0o755);
    const https = await freePort();
    const ports = await Promise.all(PORTS.map(async (port) => [new RegExp(`\\b${port}\\b`, 'g'), String(await freePort())] as const));
    const names = [
      [/https:\/\/billing\.example\.com/g, `https://localhost:${https}`],
      [/billing\.example\.com/g, 'localhost'],
      [/:443\b/g, `:${https}`],
    ] as const;
    const machine = new Machine(root, [...names, [DIRECTORIES, `${root}/$1`], ...ports]);
    await machine.furnish();
    return machine;
  }

  /** A text as it is on this machine. */
  here(words: string): string {
    return this.substitutions.reduce((said, [pattern, replacement]) => said.replace(pattern, replacement), words);
  }

  /** Variables for a shell of root's. */
  get environment(): Record<string, string> {
    const { HOME = '/root' } = process.env;
    const quiet = { npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_update_notifier: 'false' };
    return { PATH: `${this.root}/usr/local/bin:${this.root}/bin`, HOME, LANG: 'C.UTF-8', ...quiet };
  }

  /** Ends everything and removes it. */
  async close(): Promise<void> {
    await this.services.close();
    this.server?.close();
    for (const user of this.madeUsers) if (isUser(user)) run('deluser', '--quiet', user);
    await rm(this.root, { recursive: true, force: true });
  }

  private async furnish(): Promise<void> {
    for (const name of [
      'bin',
      'journal',
      'etc/systemd/system',
      'home',
      'opt',
      'run',
      'srv',
      'usr/local/bin',
      'var/cache',
      'var/lib',
      'var/log',
    ])
      await mkdir(path.join(this.root, name), { recursive: true });
    for (const name of ESSENTIAL) await this.give(name);
    // Whoever of these the document makes goes with the machine, and who was there before stays.
    for (const user of ['billing', 'mysql']) if (!isUser(user)) this.madeUsers.push(user);
    await this.release();
    const socket = path.join(this.root, 'run/machine.sock');
    this.server = createServer(async (request, response) => {
      const [program, ...args] = (await text(request)).trim().split('\n');
      const failure = await (program === 'apt-get' ? this.aptGet(args) : this.systemctl(args)).then(
        () => null,
        (error: Error) => error.message,
      );
      response.writeHead(failure === null ? 200 : 500).end(failure === null ? '' : `${failure}\n`);
    }).listen(socket);
    for (const name of ['apt-get', 'systemctl'])
      await this.script(
        name,
        `printf '%s\\n' ${name} "$@" | exec /usr/bin/curl -sS --fail-with-body --unix-socket ${socket} --data-binary @- http://machine/`,
      );
  }

  /** The release that the walk begins with, in the directory where it begins. */
  private async release(): Promise<void> {
    const directory = path.join(this.root, 'release');
    for (const name of RELEASE) await cp(path.join(PROJECT, name), path.join(directory, name), { recursive: true });
    for (const file of await readdir(path.join(directory, 'ops'), { recursive: true, withFileTypes: true })) {
      const name = path.join(file.parentPath, file.name);
      if (file.isFile()) await writeFile(name, this.here(await readFile(name, 'utf8')));
    }
    run('tar', '-czf', path.join(this.root, 'home/billing-gateway.tar.gz'), '-C', directory, '.');
    await rm(directory, { recursive: true });
  }

  private async aptGet(args: readonly string[]): Promise<void> {
    const [command, ...names] = args.filter((arg) => !arg.startsWith('-'));
    if (command === 'update') return;
    if (command !== 'install') throw new Error(`apt-get ${command} is not known here.`);
    for (const name of names) {
      const found = PACKAGES[name];
      if (found === undefined) throw new Error(`No walk knows the package ${name}.`);
      this.installed.add(name);
      await this.install(found);
    }
  }

  private async install({ programs = [], user, directories = [], files = {}, afterwards, service }: DebianPackage): Promise<void> {
    for (const program of programs) await this.give(program);
    if (user !== undefined && !isUser(user)) run('adduser', '--system', '--group', '--quiet', '--no-create-home', user);
    for (const directory of directories.map((name) => this.here(`${name}/`))) {
      await mkdir(directory, { recursive: true });
      if (user !== undefined && !directory.startsWith(`${this.root}/etc/`)) run('chown', `${user}:`, directory);
    }
    for (const [file, lines] of Object.entries(files)) await writeFile(this.here(file), this.here(lines));
    const [program, ...args] = (afterwards ?? []).map((word) => this.here(word));
    if (program !== undefined) run(program, ...args);
    if (service === undefined) return;
    if (service.name === 'mariadb') await this.script('mariadb', ownMariadb(this.root));
    const file = path.join(this.root, `etc/systemd/system/${service.name}.service`);
    const runsAs = service.name === 'haproxy' ? 'root' : (user ?? 'root');
    await writeFile(file, `[Service]\nUser=${runsAs}\nExecStart=${this.here(service.command)}\n`);
    this.units.set(service.name, { ...(await readUnit(service.name, file, this.root)), ready: service.ready });
    if (service.name === 'redis-server') await this.systemctl(['start', service.name]);
  }

  private async systemctl(args: readonly string[]): Promise<void> {
    const [command = '', ...names] = args.filter((arg) => !arg.startsWith('--'));
    if (command === 'daemon-reload') return;
    if (!['enable', 'start', 'restart'].includes(command)) throw new Error(`systemctl ${command} is not known here.`);
    for (const name of names) {
      const file = path.join(this.root, 'etc/systemd/system', /\.(service|timer)$/.test(name) ? name : `${name}.service`);
      if (!existsSync(file)) throw new Error(`Unit ${name} not found.`);
      if (command === 'enable') this.enabled.add(name);
      if (name.endsWith('.timer') || (command === 'enable' && !args.includes('--now'))) continue;
      if (command === 'restart') await this.services.stop(name.replace('.service', ''));
      await this.startUnit(name.replace('.service', ''), file);
    }
  }

  private async startUnit(name: string, file: string): Promise<void> {
    const known = this.units.get(name);
    await this.services.start(known ?? (await readUnit(name, file, this.root)));
    const [program, ...args] = (known?.ready ?? []).map((word) => this.here(word));
    if (program === undefined) return;
    for (const until = Date.now() + READY_MS_MAX; Date.now() < until && this.services.names.includes(name); await sleep(200)) {
      try {
        run(program, ...args);
        return;
      } catch {
        // It is asked again until its time is over.
      }
    }
    throw new Error(`${name} did not start:\n${await this.services.saidBy(name)}`);
  }

  /** Lets the walk find a program that this machine has. */
  private async give(name: string): Promise<void> {
    const place = PLACES.map((directory) => path.join(directory, name)).find((file) => existsSync(file));
    if (place === undefined) throw new Error(`This machine has no ${name}.`);
    const link = path.join(this.root, 'bin', name);
    if (!existsSync(link)) await symlink(place, link);
  }

  private async script(name: string, line: string): Promise<void> {
    await writeFile(path.join(this.root, 'bin', name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  }
}

/** Runs a program of this machine to its end; throws with what it said if it ended badly. Temporary files go where every user may write. */
function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: 'pipe', env: { PATH: PLACES.join(':'), TMPDIR: '/var/tmp' } });
}

/** Root's client, which finds the server of this machine, unless who calls it says where to look. */
function ownMariadb(root: string): string {
  return `case "$1" in --defaults-*) exec /usr/bin/mariadb "$@" ;; esac\nexec /usr/bin/mariadb --defaults-file=${root}/etc/mysql/my.cnf "$@"`;
}

function isUser(name: string): boolean {
  try {
    run('id', name);
    return true;
  } catch {
    return false;
  }
}
