import type { Config } from "../../config/index.ts";
import { environmentOf } from "../../platform/worker-processes.ts";
import { BenchError } from "../bench-error.ts";
import { childMessages, startChild } from "../child.ts";

export interface FillOptions {
  readonly events: number;
  readonly seed: number;
  readonly codec: "none" | "zstd";
}

export type FillMessage =
  | { readonly type: "filled"; readonly malformed: number; readonly bytes: number }
  | { readonly type: "committed"; readonly at: number };

export interface FilledTopic {
  readonly malformed: number;
  /** Of the events as JSON. */
  readonly bytes: number;
  /** Lets readers see the events; resolves with the shared clock at the commit, when the end of the inputs is there too. */
  release(): Promise<number>;
}

const NAME = "distributed/fill-topic-process";

/** Fills `customer-events` in a process of its own, unseen by readers until {@link FilledTopic.release}. */
export async function fillTopic(
  config: Config,
  options: FillOptions,
  signal: AbortSignal,
): Promise<FilledTopic> {
  const child = startChild(NAME, [JSON.stringify(options)], signal, environmentOf(config));
  const next = childMessages<FillMessage>(NAME, child);
  const filled = await next();
  if (filled.type !== "filled") throw new BenchError("the topic was not filled");
  return {
    ...filled,
    async release() {
      child.send("commit");
      const committed = await next();
      if (committed.type !== "committed") throw new BenchError("the events were not committed");
      return committed.at;
    },
  };
}
