import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../platform/version.js';

const FILE = 'client/persisted-documents.json';

/** What the client sends for the session of a customer, by its SHA-256. The portal sends nothing else. */
export const PORTAL_DOCUMENTS: ReadonlyMap<string, string> = new Map(
  Object.entries(JSON.parse(readFileSync(path.join(PACKAGE_FOLDER, FILE), 'utf8')) as Record<string, string>).map(([hash, text]) => [
    hash.replace(/^sha256:/, ''),
    text,
  ]),
);
