/** Values from one on, up to but without another; null where a side is open. */
export class Range<Value> {
  constructor(
    readonly from: Value | null,
    readonly to: Value | null,
  ) {}
}

/** A JSON object that has these entries, whatever else it has. */
export class HasEntries {
  constructor(readonly entries: Readonly<Record<string, string>>) {}
}

/** Rows whose properties equal these values. A list means any of them, null means empty. The scope says the app. */
export type Filter<Row> = {
  readonly [Property in keyof Row]?: Row[Property] | readonly Row[Property][] | Range<Row[Property]> | HasEntries;
};
