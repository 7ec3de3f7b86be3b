import { sendResult } from "./child.ts";

/** A child whose one result is longer than a socket holds. */
await sendResult(Array.from({ length: Number(process.argv[2]) }, (_, i) => i));
process.disconnect?.();
