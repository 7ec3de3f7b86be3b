import type { ExecutionArgs, ExecutionResult } from "graphql";

type Results = AsyncGenerator<ExecutionResult, void, void>;

/**
 * The subscriptions of one socket. graphql-ws knows them by the ids that clients give, and loses sight of one whose
 * id is completed and used again while it is being opened: it would go on when its socket is long closed.
 */
export class SocketOperations {
  private readonly results = new Set<Results>();
  /** By id, what was asked for last. */
  private readonly newest = new Map<string, ExecutionArgs>();
  private ended = false;

  /** Subscriptions that are open. */
  get open(): number {
    return this.results.size;
  }

  begin(id: string, args: ExecutionArgs): void {
    this.newest.set(id, args);
  }

  /** What takes the place of an operation's result; undefined for one that stays as it is. */
  opened(id: string, args: ExecutionArgs, result: unknown): Results | undefined {
    if (!isResults(result)) return undefined;
    if (this.ended || this.newest.get(id) !== args) void result.return();
    return this.tracked(result);
  }

  completed(id: string): void {
    this.newest.delete(id);
  }

  /** The socket is closed. */
  end(): void {
    this.ended = true;
    for (const results of [...this.results]) void results.return();
  }

  private tracked(results: Results): Results {
    this.results.add(results);
    const untilDone = async (step: Promise<IteratorResult<ExecutionResult, void>>) => {
      try {
        const result = await step;
        if (result.done === true) this.results.delete(results);
        return result;
      } catch (error) {
        this.results.delete(results);
        throw error;
      }
    };
    return {
      next: () => untilDone(results.next()),
      return: () => untilDone(results.return()),
      throw: (error) => untilDone(results.throw(error)),
      [Symbol.asyncIterator]() {
        return this;
      },
      [Symbol.asyncDispose]: async () => void (await untilDone(results.return())),
    };
  }
}

function isResults(result: unknown): result is Results {
  return typeof result === "object" && result !== null && Symbol.asyncIterator in result;
}
