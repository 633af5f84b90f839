/** Faults to plant, each where its `from` stands in its file. */
export const MUTANTS: readonly { readonly name: string; readonly file: string; readonly from: string; readonly to: string }[];
