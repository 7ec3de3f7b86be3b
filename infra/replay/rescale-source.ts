import { MillraceError } from "../../schema/index.ts";
import type { EventLog } from "../../stream/index.ts";
import type { InputEnd } from "../platform/input-ends.ts";

/** Throws `rescale-source-grew` where the old platform got records behind these ends: the new one would lack them. */
export async function assertNothingCame(log: EventLog, ends: readonly InputEnd[]): Promise<void> {
  for (const { topic, partition, offset } of ends) {
    const { end } = await log.offsets(topic, partition);
    if (end <= offset) continue;
    throw new MillraceError(
      `the old platform still gets records (partition ${partition} of ${topic}, from offset ${offset} on), which the new one would lack: stop what produces them, delete the new platform if it was begun, and rescale again`,
      { code: "rescale-source-grew", origin: "user" },
    );
  }
}
