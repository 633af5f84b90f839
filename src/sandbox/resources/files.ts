import type { TilledFile, TilledFileType } from '../../tilled/tilled.shapes.js';
import { FILE_PURPOSES, FILE_TYPES, HEAD_ONLY_FILE_TYPES } from '../../tilled/tilled.shapes.js';
import type { Call, Route } from '../call.js';
import { listPage, recordOf } from '../call.js';
import { Fields } from '../fields.js';
import { badRequest, HttpError } from '../http-error.js';
import type { FileRecord } from '../records.js';

/** The operations on files. */
export const fileRoutes: Route[] = [
  { method: 'POST', path: '/v1/files', status: 201, area: 'files', handle: createFile },
  { method: 'GET', path: '/v1/files', status: 200, area: 'files', handle: listFiles },
  { method: 'GET', path: '/v1/files/:id', status: 200, area: 'files', handle: getFile },
  { method: 'GET', path: '/v1/files/:id/contents', status: 200, area: 'files', handle: getContents },
  { method: 'DELETE', path: '/v1/files/:id', status: 204, area: 'files', handle: deleteFile },
];

/** The file as the wire shows it. */
export function renderFile(record: FileRecord): TilledFile {
  const { account_id: _account, ...shown } = record;
  return shown;
}

function createFile(call: Call): TilledFile {
  const fields = new Fields(call.body);
  const purpose = fields.requiredOneOf('purpose', FILE_PURPOSES);
  const title = fields.text('title', { max: 255 }) ?? null;
  const sent = fields.requiredObject('file');
  const filename = sent.requiredText('filename', { min: 1, max: 255 });
  const size = sent.requiredInteger('size', { min: 1 });
  fields.assertValid();
  const now = call.engine.clock.iso();
  const file: FileRecord = {
    id: call.engine.ids.object('file'),
    account_id: call.account.id,
    filename,
    purpose,
    size,
    type: typeOf(filename),
    title,
    url: null,
    expires_at: null,
    created_at: now,
    updated_at: now,
  };
  call.engine.store.files.put(file);
  return renderFile(file);
}

function typeOf(filename: string): TilledFileType {
  const ending = filename.split('.').at(-1)?.toLowerCase();
  const type = [...FILE_TYPES, ...HEAD_ONLY_FILE_TYPES].find((candidate) => candidate === ALIASES[ending ?? ''] || candidate === ending);
  if (type === undefined) throw badRequest('The file type is not supported');
  return type;
}

const ALIASES: Record<string, TilledFileType> = { jpeg: 'jpg', tif: 'tiff' };

function listFiles(call: Call): unknown {
  return listPage(call, { collection: call.engine.store.files, render: renderFile });
}

function getFile(call: Call): TilledFile {
  return renderFile(recordOf(call, call.engine.store.files, 'File'));
}

/** Seen on the real sandbox: contents need a user's session, which no API key has. They are not kept here. */
function getContents(call: Call): never {
  recordOf(call, call.engine.store.files, 'File');
  throw new HttpError(403, 'Forbidden resource');
}

function deleteFile(call: Call): void {
  call.engine.store.files.delete(recordOf(call, call.engine.store.files, 'File').id);
}
