/** A Node that is older than ours and that the client promises to run on; null where this machine has none. */
export function olderNode(): string | null;
