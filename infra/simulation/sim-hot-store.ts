import { type HotBatch, type HotStore, hotKey, hotValue } from "../../stream/index.ts";
import { Link, type Network } from "./link.ts";
import type { SimulatedProcess } from "./process.ts";
import { unavailable } from "./unavailable.ts";

interface HotValue {
  readonly value: string;
  readonly expiresAt: number;
  /** Number of the process that wrote it. */
  readonly writer: number;
  /** Who wrote each value that the key ever had. */
  readonly writers: Map<string, number>;
}

/** The hot values that survive every process. */
export class StoredHotValues {
  readonly byKey = new Map<string, HotValue>();

  put(batch: HotBatch, writer: number, nowMs: number): void {
    const expiresAt = nowMs + batch.ttlMs;
    for (let i = 0; i < batch.count; i++) {
      const at = storedKey(batch.namespace, hotKey(batch, i));
      const value = Buffer.from(hotValue(batch, i)).toString();
      const writers = this.byKey.get(at)?.writers ?? new Map<string, number>();
      writers.set(value, writer);
      this.byKey.set(at, { value, expiresAt, writer, writers });
    }
  }

  get(namespace: string, key: string, nowMs: number): string | null {
    const found = this.byKey.get(storedKey(namespace, key));
    return found === undefined || found.expiresAt <= nowMs ? null : found.value;
  }

  sweep(entriesMax: number, nowMs: number): number {
    const expired = [...this.byKey].filter(([, { expiresAt }]) => expiresAt <= nowMs).slice(0, entriesMax);
    for (const [key] of expired) this.byKey.delete(key);
    return expired.length;
  }
}

/** One process's connection to the hot store: its writes arrive in their order. */
export class SimHotStore implements HotStore {
  private readonly stored: StoredHotValues;
  private readonly network: Network;
  private readonly link: Link;
  private readonly process: SimulatedProcess;

  constructor(stored: StoredHotValues, network: Network, process: SimulatedProcess) {
    this.process = process;
    this.stored = stored;
    this.network = network;
    this.link = new Link(network, process, "hot", "ordered");
  }

  putMany(batch: HotBatch): Promise<void> {
    return this.request(`put ${batch.count}`, (nowMs) => this.stored.put(batch, this.process.number, nowMs));
  }

  async get(namespace: string, key: string): Promise<string | null> {
    return (await this.getMany(namespace, [key]))[0];
  }

  getMany(namespace: string, keys: readonly string[]): Promise<readonly (string | null)[]> {
    return this.request(`get ${keys.length} of ${namespace}`, (nowMs) =>
      keys.map((key) => this.stored.get(namespace, key, nowMs)),
    );
  }

  delete(namespace: string, keys: readonly string[]): Promise<void> {
    return this.request(`delete ${keys.length} of ${namespace}`, () => {
      for (const key of keys) this.stored.byKey.delete(storedKey(namespace, key));
    });
  }

  sweep(entriesMax: number): Promise<number> {
    return this.request("sweep", (nowMs) => this.stored.sweep(entriesMax, nowMs));
  }

  async close(): Promise<void> {}

  private request<T>(name: string, apply: (nowMs: number) => T): Promise<T> {
    return this.link.request({
      name,
      apply: () => apply(this.network.scheduler.nowMs),
      lost: () => unavailable("hot store", name),
    });
  }
}

/** Length first: no namespace's end is another key's begin. */
function storedKey(namespace: string, key: string): string {
  return `${namespace.length}:${namespace}/${key}`;
}
