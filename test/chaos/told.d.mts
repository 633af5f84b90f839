/** Codes of answers after which the same request may still succeed. */
export const NOT_YET: readonly string[];
