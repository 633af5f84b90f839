import { createHash, type Hash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { GraphQLSchema } from 'graphql';
import { Conflict } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { type ExportedNoun, nounsOf } from './exported-nouns.js';

/** One file of an export. */
export interface ExportedFile {
  readonly file: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** What an export holds, as its manifest.json says. */
export interface Manifest {
  readonly app: { readonly id: string; readonly name: string; readonly suspendedAt: Date | null; readonly removedAt: Date | null };
  /** The newest migration of the database. */
  readonly schema: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly files: readonly ExportedFile[];
}

interface AppExportParts {
  readonly schema: GraphQLSchema;
  /** A scope of an app for one page, so that nothing is remembered from one to the next; null without the app. */
  readonly scopeOf: (appId: string) => Promise<Scope | null>;
  /** The newest schema of this release, which the database has. */
  readonly newestMigration: string;
}

const [OWNER_ONLY_DIRECTORY, OWNER_ONLY] = [0o700, 0o600];

/**
 * Everything of an app as files: one JSON object a line, with the names and values of the API, and Tilled's id as
 * `tilledId`. No secret is among them: what only the app's service or a payer may see is left out.
 */
export class AppExport {
  constructor(private readonly parts: AppExportParts) {}

  /**
   * Writes them into a directory that is not there yet, readable by its owner only. Until everything is written it is
   * called `….part`; what a run that was cut off left there is begun anew. Throws Conflict if it exists.
   */
  async write(app: Scope, directory: string, tell: (file: ExportedFile) => void): Promise<Manifest> {
    if (existsSync(directory)) throw new Conflict(`${directory} is there already: name another one.`);
    const startedAt = app.now().toISOString();
    const part = `${directory}.part`;
    await rm(part, { recursive: true, force: true });
    await mkdir(part, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
    const files: ExportedFile[] = [];
    for (const noun of nounsOf(this.parts.schema)) {
      const file = await this.writeNoun(app.appId, noun, part);
      files.push(file);
      tell(file);
    }
    const { id, name, suspendedAt, removedAt } = app.caller.app;
    const manifest: Manifest = {
      ...{ app: { id, name, suspendedAt, removedAt }, schema: this.parts.newestMigration },
      ...{ startedAt, finishedAt: app.now().toISOString(), files },
    };
    await writeFile(path.join(part, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`, { mode: OWNER_ONLY });
    await rename(part, directory).catch((cause: unknown) => {
      throw new Conflict(`${directory} is there already: name another one. What was written is in ${part}.`, { cause });
    });
    return manifest;
  }

  private async writeNoun(appId: string, noun: ExportedNoun, directory: string): Promise<ExportedFile> {
    const file = `${noun.name}.jsonl`;
    const seen = { rows: 0, bytes: 0, hash: createHash('sha256') };
    const lines = counted(this.pagesOf(appId, noun), seen);
    await pipeline(lines, createWriteStream(path.join(directory, file), { mode: OWNER_ONLY }));
    return { file, rows: seen.rows, bytes: seen.bytes, sha256: seen.hash.digest('hex') };
  }

  private async *pagesOf(appId: string, noun: ExportedNoun): AsyncGenerator<readonly object[]> {
    for (let after: string | null = null; ; ) {
      const scope = await this.parts.scopeOf(appId);
      if (scope === null) throw new Conflict(`The app ${appId} is gone.`);
      const page = await noun.page(scope, after);
      yield page.rows;
      if (page.next === null) return;
      after = page.next;
    }
  }
}

/** The pages as text, a line a row, counted on the way. */
async function* counted(
  pages: AsyncIterable<readonly object[]>,
  seen: { rows: number; bytes: number; readonly hash: Hash },
): AsyncGenerator<Buffer> {
  for await (const rows of pages) {
    const text = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    seen.rows += rows.length;
    seen.bytes += text.length;
    seen.hash.update(text);
    yield text;
  }
}
