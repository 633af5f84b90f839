/**
 * The schema cannot be changed now, or not in this way; the message says why and what to do. What was done stays done.
 */
export class MigrationStopped extends Error {}
