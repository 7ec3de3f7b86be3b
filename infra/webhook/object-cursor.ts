import { isMissingObject, type ObjectStore } from "../../lakehouse/index.ts";
import type { WebhookCursor } from "../../stream/index.ts";

export const WEBHOOK_FOLDER = "webhook";
const KEY = `${WEBHOOK_FOLDER}/cursor`;

/** A cursor that is an object of the platform's store: it is there whole, as it was or as it is. */
export function objectCursor(objects: ObjectStore): WebhookCursor {
  return {
    async load() {
      try {
        return Buffer.from(await objects.get(KEY)).toString();
      } catch (error) {
        if (isMissingObject(error)) return null;
        throw error;
      }
    },
    save: (cursor) => objects.put(KEY, Buffer.from(cursor)),
  };
}
