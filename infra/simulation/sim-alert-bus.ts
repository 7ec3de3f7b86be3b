import { MillraceError } from "../../schema/index.ts";
import type { Alert, AlertBus, PositionedAlert } from "../../stream/index.ts";
import { Link, type Network } from "./link.ts";
import type { SimulatedProcess } from "./process.ts";
import { unavailable } from "./unavailable.ts";

/** The alerts that survive every process. */
export class StoredAlerts {
  /** Alert i has the cursor `begin + i`. */
  kept: Alert[] = [];
  begin = 0;
  private readonly ids = new Set<string>();
  private readonly waiting = new Set<() => void>();

  publish(alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      const id = `${alert.revision}/${alert.id}`;
      if (this.ids.has(id)) continue;
      this.ids.add(id);
      this.kept.push(structuredClone(alert));
    }
    this.wake();
  }

  /** Retention: drops all that are there. */
  expireAll(): void {
    this.begin += this.kept.length;
    this.kept = [];
  }

  get end(): number {
    return this.begin + this.kept.length;
  }

  /** Calls back at the next change; what it returns calls that off. */
  onChange(callback: () => void): () => void {
    this.waiting.add(callback);
    return () => this.waiting.delete(callback);
  }

  wake(): void {
    for (const callback of [...this.waiting]) callback();
  }
}

/** One process's connection to the alert bus: what it publishes arrives in its order. */
export class SimAlertBus implements AlertBus {
  private readonly stored: StoredAlerts;
  private readonly link: Link;
  private closed = false;

  constructor(stored: StoredAlerts, network: Network, process: SimulatedProcess) {
    this.stored = stored;
    this.link = new Link(network, process, "alerts", "ordered");
  }

  publish(alerts: readonly Alert[]): Promise<void> {
    const sent = [...alerts];
    const name = `publish ${sent.map(({ id, revision }) => `${id}#${revision}`).join(" ")}`;
    return this.link.request({
      name,
      apply: () => this.stored.publish(sent),
      lost: () => unavailable("alert bus", name),
    });
  }

  /** The position is taken at the call. */
  subscribe(after: string | null, signal: AbortSignal): AsyncIterable<PositionedAlert> {
    const { begin, end } = this.stored;
    return this.tail(after === null ? end : after === "begin" ? begin : after, signal);
  }

  async position(of: "oldest" | "next"): Promise<string> {
    const { begin, end } = this.stored;
    return `@${(of === "oldest" ? begin : end) - 1}`;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.stored.wake();
  }

  private async *tail(from: number | string, signal: AbortSignal): AsyncGenerator<PositionedAlert> {
    let position = typeof from === "number" ? from : cursorPosition(from) + 1;
    while (!signal.aborted && !this.closed) {
      if (position < this.stored.begin) throw gap();
      if (position >= this.stored.end) {
        await this.change(signal);
        continue;
      }
      const alert = this.stored.kept[position - this.stored.begin];
      yield { alert, cursor: `@${position++}` };
    }
  }

  private change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        callOff();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const callOff = this.stored.onChange(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

function cursorPosition(cursor: string): number {
  const match = /^@(-1|\d{1,15})$/.exec(cursor);
  if (match !== null) return Number(match[1]);
  throw new MillraceError(`"${cursor}" is no cursor of an alert`, { code: "cursor-invalid", origin: "user" });
}

function gap(): MillraceError {
  return new MillraceError("alerts after the cursor are not kept any more", {
    code: "cursor-gap",
    origin: "user",
  });
}
