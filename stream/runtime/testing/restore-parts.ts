import type { StateSection } from "../../../schema/index.ts";
import { StateImageReader } from "../state-image-reader.ts";

/** Puts a chain of images, whose parts are all there, into freshly created sections. */
export function restoreParts(sections: readonly StateSection[], parts: readonly Uint8Array[]): void {
  const reader = new StateImageReader(sections);
  reader.begin(parts[parts.length - 1]);
  for (const part of parts) reader.apply(part);
  reader.finish();
}
