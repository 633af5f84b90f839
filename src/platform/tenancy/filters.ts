/** Rows whose properties equal these values. A list means any of them, null means empty. The scope says the app. */
export type Filter<Row> = { readonly [Property in keyof Row]?: Row[Property] | readonly Row[Property][] };
