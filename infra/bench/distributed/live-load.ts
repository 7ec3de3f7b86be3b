import type { Config } from "../../config/index.ts";
import { environmentOf } from "../../platform/worker-processes.ts";
import { BenchError } from "../bench-error.ts";
import { startChild } from "../child.ts";
import type { LiveResult, LiveLoad as Load } from "../latency/produce-live.ts";
import type { LoadMessage } from "./live-load-process.ts";

const NAME = "distributed/live-load-process";

/** Live events and probes at a steady rate, from a process of its own. */
export class LiveLoad {
  /** Shared clock at the start of the append call of each probe, by index; grows as they are sent. */
  readonly sentAt: number[] = [];
  /** Resolves at its end; rejects where the process failed. */
  readonly ended: Promise<LiveResult>;
  private readonly child: ReturnType<typeof startChild>;

  constructor(config: Config, load: Load, signal: AbortSignal) {
    this.child = startChild(NAME, [JSON.stringify(load)], signal, environmentOf(config));
    const { promise, resolve, reject } = Promise.withResolvers<LiveResult>();
    this.ended = promise;
    // Also where it fails while nobody waits for it.
    promise.catch(() => undefined);
    this.child.on("message", (message: LoadMessage) => {
      if (message.type === "ended") return resolve(message);
      const { first, count, at } = message;
      for (let probe = first; probe < first + count; probe++) this.sentAt[probe] = at;
    });
    // Not `exit`, which may come before its last message.
    this.child.once("close", (code, killedBy) =>
      reject(
        new BenchError(`the producer ended with ${killedBy ?? `exit code ${code}`}; its message is above`),
      ),
    );
  }

  /** Ends it before its time. */
  stop(): Promise<LiveResult> {
    if (this.child.connected) this.child.send("stop");
    return this.ended;
  }
}
