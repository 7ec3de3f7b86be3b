/** A failure that the bench explains in one line; anything else is a bug and shows its stack. */
export class BenchError extends Error {}
