import { InvalidInput, NotFound } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { DISPUTE_FILE_TYPES, type TilledDisputeEvidenceParams, type TilledDisputeFileType } from '../../tilled/tilled.shapes.js';
import type { Processor } from '../kit/processor.js';

/** What a file may say of itself in its title: whose it is, and what it shows. */
interface EvidenceTitle {
  readonly appId: string;
  readonly type: TilledDisputeFileType;
}

/** `billing <app> <type>`, and whatever else after it: Tilled's files have no metadata. */
const TITLE = /^billing ([\w-]{1,64}) (\w+)(?: |$)/;

/** Null for titles that say nothing of the kind; a type that Tilled does not know is none in particular. */
function readTitle(title: string | null): EvidenceTitle | null {
  const [, appId, word] = TITLE.exec(title ?? '') ?? [];
  return appId === undefined ? null : { appId, type: DISPUTE_FILE_TYPES.find((known) => known === word) ?? 'uncategorized' };
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
