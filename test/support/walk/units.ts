import { readFile } from 'node:fs/promises';

/** What of a systemd unit is carried out here. */
export interface Unit {
  readonly name: string;
  readonly user: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly environmentFiles: readonly string[];
  readonly workingDirectory: string;
  readonly umask: string;
  /** Whether whoever starts it waits until it has ended. */
  readonly isOneshot: boolean;
  /** Directories that are made for its user, with their modes. */
  readonly directories: readonly { readonly path: string; readonly mode: string }[];
}

const KEPT_IN = { StateDirectory: '/var/lib', CacheDirectory: '/var/cache', LogsDirectory: '/var/log', RuntimeDirectory: '/run' } as const;

/** Reads a unit file. `root` is put before the directories that systemd itself names. */
export async function readUnit(name: string, file: string, root: string): Promise<Unit> {
  const settings = settingsOf(await readFile(file, 'utf8'));
  const last = (key: string) => settings.get(key)?.at(-1);
  const placed = (text: string) => text.replaceAll('%C', `${root}/var/cache`).replaceAll('%S', `${root}/var/lib`);
  const environment = (settings.get('Environment') ?? []).flatMap((line) => wordsOf(placed(line)));
  const command = wordsOf(placed(last('ExecStart') ?? ''));
  if (command.length === 0) throw new Error(`${name} has no ExecStart.`);
  return {
    ...{ name, command },
    user: last('User') ?? 'root',
    environment: Object.fromEntries(environment.map(pairOf)),
    environmentFiles: settings.get('EnvironmentFile') ?? [],
    workingDirectory: last('WorkingDirectory') ?? '/',
    umask: last('UMask') ?? '0022',
    isOneshot: last('Type') === 'oneshot',
    directories: Object.entries(KEPT_IN).flatMap(([key, place]) =>
      (last(key)?.split(' ') ?? []).map((one) => ({ path: `${root}${place}/${one}`, mode: last(`${key}Mode`) ?? '0755' })),
    ),
  };
}

/** The variables of a file for EnvironmentFile=; a name with `-` before it need not be there. */
export async function variablesOf(file: string): Promise<Record<string, string>> {
  const isOptional = file.startsWith('-');
  const text = await readFile(file.replace(/^-/, ''), 'utf8').catch((error: unknown) => {
    if (isOptional) return '';
    throw error;
  });
  const lines = text.split('\n').filter((line) => line.includes('=') && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => pairOf(line)).map(([name, value]) => [name, value.replace(/^(['"])(.*)\1$/, '$2')]));
}

function settingsOf(text: string): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  for (const line of text.replaceAll(/\\\n\s*/g, ' ').split('\n')) {
    if (line.startsWith('#') || !line.includes('=')) continue;
    const [key, value] = pairOf(line);
    settings.set(key, [...(settings.get(key) ?? []), value]);
  }
  return settings;
}

/** Words as systemd splits them: at blanks, but for those between quotes. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, plain]) => double ?? single ?? plain ?? '');
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}
