import { utf8Decoder } from "../../../../schema/index.ts";
import { PaneBlockKind, type PaneBlockReader, type PaneBlockWriter } from "../../../operators/pane-block.ts";

/** That an order counts for its subject, and the rule that looks back from it. */
export interface VelocityEntry {
  /** Rule and subject: `order-velocity`, `user u-1`. */
  readonly subject: string;
  readonly rule: string;
  readonly severity: string;
  readonly orders: number;
  readonly withinMs: number;
  readonly timeMs: number;
  readonly orderId: string;
  readonly userId: string;
}

/** What velocity blocks of a task come from. */
export function velocitySource(taskId: string): string {
  return `${taskId}/velocity`;
}

const utf8 = new TextEncoder();
const TEXTS = ["subject", "rule", "severity", "orderId", "userId"] as const;
const NUMBERS = ["orders", "withinMs", "timeMs"] as const;

/** Behind its header a block is one entry: five texts, three f64. */
export function writeVelocity(
  writer: PaneBlockWriter,
  channel: string,
  source: string,
  entry: VelocityEntry,
): Uint8Array {
  const watermarkMs = Number.NEGATIVE_INFINITY;
  writer.begin({ channel, kind: PaneBlockKind.replacement, source, sequence: 1, watermarkMs });
  for (const name of TEXTS) {
    const bytes = utf8.encode(entry[name]);
    writer.text(bytes, 0, bytes.length);
  }
  for (const name of NUMBERS) writer.f64(entry[name]);
  return writer.finish();
}

/** @param reader open behind the block's header */
export function readVelocity(reader: PaneBlockReader): VelocityEntry {
  const texts = TEXTS.map((name) => {
    reader.text();
    return [name, utf8Decoder.decode(reader.bytes.subarray(reader.textStart, reader.textEnd))];
  });
  const numbers = NUMBERS.map((name) => [name, reader.f64()]);
  return Object.fromEntries([...texts, ...numbers]) as VelocityEntry;
}
