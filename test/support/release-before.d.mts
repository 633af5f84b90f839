/** The commit of the release before this one, and its newest migration. */
export const RELEASE_BEFORE: { readonly commit: string; readonly migration: string };

/** The folder of the release before, built. Throws if it cannot be. */
export function builtReleaseBefore(): string;
