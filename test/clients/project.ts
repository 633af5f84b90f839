import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { GraphQLClient } from 'graphql-request';
import type { Documents } from './client.js';
import type { Sdk } from './graphql-request.trial.js';
import type { RelayArtifacts } from './relay.trial.js';

const run = promisify(execFile);
const PROJECT = path.join(import.meta.dirname, '../..');

/** What the tools of an application made of its documents, by the configuration that docs/frontend.md shows. */
export interface Built {
  readonly documents: Documents;
  readonly getSdk: (client: GraphQLClient) => Sdk;
  /** Compiled to texts, and to hashes. */
  readonly relay: { readonly own: RelayArtifacts; readonly registered: RelayArtifacts };
  /** Files to give to `billing operations register`. */
  readonly manifests: readonly string[];
  /** The registered texts of graphql-codegen, by the names of their operations. */
  readonly texts: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** Makes an application of test/clients/project, beside our schema, and runs graphql-codegen and relay-compiler in it. */
export async function buildProject(): Promise<Built> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bg_clients_'));
  await cp(path.join(import.meta.dirname, 'project'), folder, { recursive: true });
  await cp(path.join(PROJECT, 'schema.graphql'), path.join(folder, 'schema.graphql'));
  await symlink(path.join(PROJECT, 'node_modules'), path.join(folder, 'node_modules'));
  await writeFile(path.join(folder, 'package.json'), '{"type":"module"}');
  const tool = (name: string) => run(process.execPath, [path.join(PROJECT, 'node_modules/.bin', name)], { cwd: folder });
  await tool('graphql-codegen');
  await tool('relay-compiler');
  const registered = await artifactsIn(folder);
  const manifests = ['src/gql/persisted-documents.json', 'src/__generated__/persisted-documents.json'].map((file) =>
    path.join(folder, file),
  );
  const config = path.join(folder, 'relay.config.json');
  const { persistConfig: _, ...unpersisted } = JSON.parse(await readFile(config, 'utf8')) as { persistConfig: unknown };
  await mkdir(path.join(folder, 'src/__texts__'));
  await writeFile(config, JSON.stringify({ ...unpersisted, artifactDirectory: './src/__texts__' }));
  await tool('relay-compiler');
  const texts = Object.values(JSON.parse(await readFile(manifests[0] ?? '', 'utf8')) as Record<string, string>);
  return {
    documents: (await import(path.join(folder, 'src/gql/graphql.ts'))) as Documents,
    getSdk: ((await import(path.join(folder, 'src/sdk.ts'))) as Pick<Built, 'getSdk'>).getSdk,
    relay: { own: await artifactsIn(folder, '__texts__'), registered },
    manifests,
    texts: Object.fromEntries(texts.map((text) => [/^\w+ (\w+)/.exec(text)?.[1] ?? '', text])),
    remove: () => rm(folder, { recursive: true }),
  };
}

async function artifactsIn(folder: string, place = '__generated__'): Promise<RelayArtifacts> {
  const names = ['BillingCustomerQuery', 'BillingPaymentsQuery', 'BillingAttachCardMutation', 'BillingChooseCardMutation'];
  const modules = names.map((name) => import(path.join(folder, 'src', place, `${name}.graphql.js`)) as Promise<{ default: unknown }>);
  return Object.fromEntries((await Promise.all(modules)).map((module, index) => [names[index], module.default])) as RelayArtifacts;
}
