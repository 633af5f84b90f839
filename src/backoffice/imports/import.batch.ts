import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { AppError } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { Adopter, ImportContext, Imported, LineDecision } from './import.adopter.js';
import type { ImportNoun } from './import.nouns.js';
import { inParallel, isPassing, patiently } from './import.pace.js';
import type { ImportRow } from './import.rows.js';
import type { ImportAction, ImportItem } from './import-item.entity.js';
import { ImportItemRepository } from './import-item.repository.js';
import { ImportRunRepository, RunTakenOver } from './import-run.repository.js';

/** What became of a line. */
export interface LineOutcome {
  readonly row: ImportRow;
  readonly action: ImportAction | 'skipped';
  readonly reason: string | null;
  readonly imported: Imported | null;
}

interface Judged<Snapshot> {
  readonly row: ImportRow;
  readonly snapshot: Snapshot | null | undefined;
  readonly verdict: LineDecision;
}

interface BatchParts<Noun extends ImportNoun, Snapshot> {
  readonly noun: Noun;
  readonly adopter: Adopter<Noun, Snapshot>;
  readonly context: ImportContext;
  readonly fence: number;
}

/**
 * Imports some lines: asks Tilled, records all that is adopted in one transaction together with what became of each
 * line, then marks Tilled's objects. A crash between any two steps is made good by the next run of the same command.
 */
export class ImportBatch<Noun extends ImportNoun, Snapshot> {
  constructor(private readonly parts: BatchParts<Noun, Snapshot>) {}

  async run(scope: Scope, rows: readonly ImportRow<Noun>[]): Promise<LineOutcome[]> {
    const { noun, context } = this.parts;
    const keys = rows.map((row) => row.key);
    const known = await ImportItemRepository.of(scope).among(context.run.id, noun, keys);
    const open = rows.filter((row) => isOpen(known.get(row.key)));
    const judged = await this.judge(scope, open);
    const outcomes = await this.record(scope, judged);
    await this.markAll(scope, keys, new Map(judged.map(({ row, snapshot }) => [row.key, snapshot ?? undefined])));
    const before = rows.filter((row) => !isOpen(known.get(row.key)));
    return [...outcomes, ...before.map((row) => outcomeBefore(row, known.get(row.key)))];
  }

  /** What would become of the lines. Writes nothing, here or at Tilled. */
  async rehearse(scope: Scope, rows: readonly ImportRow<Noun>[]): Promise<LineOutcome[]> {
    return (await this.judge(scope, rows)).map(({ row, snapshot, verdict }) => {
      this.noteComing(row as ImportRow<Noun>, snapshot, verdict);
      return this.outcomeOf(row, verdict, null);
    });
  }

  private async judge(scope: Scope, rows: readonly ImportRow<Noun>[]): Promise<Judged<Snapshot>[]> {
    const looked = await inParallel(rows, async (row) => {
      const snapshot = row.snapshot as Snapshot | undefined;
      return { row, snapshot: snapshot ?? (await patiently(() => this.parts.adopter.findAtTilled(scope, row))) };
    });
    // In a transaction, so that what it reads is read anew and nothing is remembered after it.
    return scope.transaction((tx) =>
      Promise.all(
        looked.map(async ({ row, snapshot }) => ({
          row,
          snapshot,
          verdict: await this.parts.adopter.judge(tx, row, snapshot, this.parts.context),
        })),
      ),
    );
  }

  private async record(scope: Scope, judged: readonly Judged<Snapshot>[]): Promise<LineOutcome[]> {
    const toCreate = judged.filter(({ verdict }) => verdict.kind === 'create');
    const rest = judged.filter(({ verdict }) => verdict.kind !== 'create');
    const recorded = await this.recordTogether(scope, rest);
    const created = await inParallel(toCreate, ({ row }) => this.createOne(scope, row as ImportRow<Noun>));
    await scope.transaction((tx) => this.note(tx, created));
    return [...recorded, ...created];
  }

  /** In one transaction; if that fails, line by line, so that a bad one fails alone. */
  private async recordTogether(scope: Scope, judged: readonly Judged<Snapshot>[]): Promise<LineOutcome[]> {
    try {
      return await scope.transaction((tx) => this.adoptAll(tx, judged));
    } catch (error) {
      if (error instanceof RunTakenOver || judged.length === 0) throw error;
      if (!(error instanceof AppError || error instanceof UniqueConstraintViolationException)) throw error;
      if (judged.length === 1) return this.failOne(scope, judged, error);
    }
    const outcomes: LineOutcome[] = [];
    for (const one of judged) outcomes.push(...(await this.recordTogether(scope, [one])));
    return outcomes;
  }

  private async failOne(scope: Scope, judged: readonly Judged<Snapshot>[], error: Error): Promise<LineOutcome[]> {
    const reason = error instanceof AppError ? error.message : 'Another line or request made the same object at the same time.';
    const failed = judged.map(({ row }) => ({ row, action: 'failed' as const, reason, imported: null }));
    await scope.transaction((tx) => this.note(tx, failed));
    return failed;
  }

  private async adoptAll(tx: Scope, judged: readonly Judged<Snapshot>[]): Promise<LineOutcome[]> {
    const outcomes: LineOutcome[] = [];
    for (const { row, snapshot, verdict } of judged) {
      const isAdopted = verdict.kind === 'adopt' && snapshot !== null && snapshot !== undefined;
      const imported = isAdopted ? await this.parts.adopter.adopt(tx, row as ImportRow<Noun>, snapshot) : null;
      outcomes.push(this.outcomeOf(row, verdict, imported));
    }
    await this.note(tx, outcomes);
    return outcomes;
  }

  private async createOne(scope: Scope, row: ImportRow<Noun>): Promise<LineOutcome> {
    try {
      const imported = await patiently(() => this.parts.adopter.create(scope, row, this.parts.context));
      return { row, action: 'created', reason: null, imported };
    } catch (error) {
      if (!(error instanceof AppError) || isPassing(error)) throw error;
      const isThere = error.code === 'DUPLICATE_EXTERNAL_ID';
      return { row, action: isThere ? 'existing' : 'failed', reason: error.message, imported: null };
    }
  }

  /** Writes down what became of lines, if this process still has the run. */
  private async note(tx: Scope, outcomes: readonly LineOutcome[]): Promise<void> {
    const { noun, context, fence } = this.parts;
    const run = await ImportRunRepository.of(tx).lock(context.run.id);
    if (run.fence !== fence) throw new RunTakenOver(run.id);
    run.updatedAt = tx.now();
    const items = ImportItemRepository.of(tx);
    if (outcomes.length === 0) return;
    const keys = outcomes.map(({ row }) => row.key);
    await items.forgetFailed(run.id, noun, keys);
    for (const { row, action, reason, imported } of outcomes) {
      items.add({
        id: tx.newId('imi'),
        runId: run.id,
        noun,
        itemKey: row.key,
        action: action === 'skipped' ? 'existing' : action,
        objectId: imported?.id ?? null,
        tilledId: imported?.tilledId ?? null,
        version: imported?.version ?? null,
        isMarked: action !== 'made' || this.parts.adopter.mark === undefined,
        reason: reason?.slice(0, 500) ?? null,
        createdAt: tx.now(),
      });
    }
  }

  private async markAll(scope: Scope, keys: readonly string[], seen: ReadonlyMap<string, Snapshot | undefined>): Promise<void> {
    const { adopter, context, noun } = this.parts;
    const items = ImportItemRepository.of(scope);
    const unmarked = [...(await items.among(context.run.id, noun, keys)).values()].filter((item) => !item.isMarked);
    if (unmarked.length > 0) await ImportRunRepository.of(scope).assertHeld(context.run.id, this.parts.fence);
    await inParallel(unmarked, async ({ tilledId, itemKey }) => {
      if (tilledId !== null) await patiently(async () => adopter.mark?.(scope, tilledId, seen.get(itemKey)));
    });
    await items.noteMarked(unmarked.map((item) => item.id));
  }

  private outcomeOf(row: ImportRow, verdict: LineDecision, imported: Imported | null): LineOutcome {
    switch (verdict.kind) {
      case 'adopt':
        return { row, action: 'made', reason: null, imported };
      case 'create':
        return { row, action: 'created', reason: null, imported };
      case 'existing':
        return { row, action: 'existing', reason: null, imported: { id: verdict.id, tilledId: null, version: null } };
      case 'skipped':
        return { row, action: 'skipped', reason: verdict.reason, imported: null };
      case 'refused':
        return { row, action: 'failed', reason: verdict.reason, imported: null };
    }
  }

  private noteComing(row: ImportRow<Noun>, snapshot: Snapshot | null | undefined, verdict: LineDecision): void {
    if (verdict.kind !== 'adopt' && verdict.kind !== 'create') return;
    const { rehearsed } = this.parts.context;
    const fields: Readonly<Record<string, unknown>> = row.fields;
    if (this.parts.noun === 'customers' && typeof fields['externalId'] === 'string') rehearsed?.add('externalId', fields['externalId']);
    const id = typeof snapshot === 'object' && snapshot !== null ? Reflect.get(snapshot, 'id') : undefined;
    if (typeof id === 'string') rehearsed?.add(this.parts.noun === 'customers' ? 'cus' : 'pm', id);
  }
}

function isOpen(item: ImportItem | undefined): boolean {
  return item === undefined || item.action === 'failed';
}

function outcomeBefore(row: ImportRow, item: ImportItem | undefined): LineOutcome {
  return { row, action: item?.action ?? 'existing', reason: item?.reason ?? null, imported: null };
}
