import { MillraceError } from "../../schema/index.ts";

/** What failed in a round of maintenance that goes on all the same. */
export class MaintenanceFailures {
  private readonly signal: AbortSignal | undefined;
  private readonly failures: { readonly table: string; readonly error: unknown }[] = [];

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal;
  }

  /** Does a step of a table; resolves to null where that failed. Rejects where the round is given up. */
  async noting<T>(table: string, step: () => Promise<T>): Promise<T | null> {
    this.signal?.throwIfAborted();
    try {
      return await step();
    } catch (error) {
      this.signal?.throwIfAborted();
      this.failures.push({ table, error });
      return null;
    }
  }

  throwFirst(): void {
    const [first] = this.failures;
    if (first === undefined) return;
    const { table, error } = first;
    const others = new Set(this.failures.map((failure) => failure.table)).size - 1;
    const also = others === 0 ? "" : `; of ${others} other tables, too`;
    const { message } = error instanceof Error ? error : new Error(String(error));
    const known = error instanceof MillraceError ? error : null;
    throw new MillraceError(`maintenance of ${table} failed: ${message}${also}`, {
      code: known?.code ?? "maintenance-failed",
      origin: known?.origin ?? "internal",
      retry: known?.retry ?? true,
      cause: error,
    });
  }
}
