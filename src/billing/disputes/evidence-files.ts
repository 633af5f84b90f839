import { InvalidInput, NotFound } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { DISPUTE_FILE_TYPES, type TilledDisputeEvidenceParams, type TilledDisputeFileType } from '../../tilled/tilled.shapes.js';
import type { Processor } from '../kit/processor.js';

/** What a file says of itself in its title: whose it is, what it shows, and the hash of its bytes. */
export interface EvidenceTitle {
  readonly appId: string;
  readonly type: TilledDisputeFileType;
  readonly sha256: string;
}

const TITLE = /^billing ([\w-]{1,64}) (\w+) ([0-9a-f]{64})$/;

/** The title of a file that this gateway uploads; the same bytes for the same app have the same. */
export function titleOf({ appId, type, sha256 }: EvidenceTitle): string {
  return `billing ${appId} ${type} ${sha256}`;
}

/** What a title says; null for files that were uploaded in another way. */
export function readTitle(title: string | null): EvidenceTitle | null {
  const [, appId, word, sha256] = TITLE.exec(title ?? '') ?? [];
  const type = DISPUTE_FILE_TYPES.find((known) => known === word);
  return appId === undefined || sha256 === undefined || type === undefined ? null : { appId, type, sha256 };
}

/**
 * The files as evidence names them. Throws NotFound for one that the app has not (another app's answers the same) and
 * InvalidInput for one that was uploaded for something else.
 */
export async function evidenceFiles(
  scope: Scope,
  processor: Processor,
  fileIds: readonly string[],
): Promise<TilledDisputeEvidenceParams['files']> {
  return Promise.all(
    fileIds.map(async (id, index) => {
      const field = ['fileIds', String(index)];
      const file = await processor.find(scope, (tilled) => tilled.getFile(id));
      const title = readTitle(file?.title ?? null);
      const isForeign = title !== null && title.appId !== scope.appId;
      if (file === null || isForeign) throw new NotFound('file', id, field);
      if (file.purpose !== 'dispute_evidence') throw InvalidInput.because(field, `File ${id} was not uploaded as dispute_evidence.`);
      return { file_id: file.id, type: title?.type ?? 'uncategorized' };
    }),
  );
}
