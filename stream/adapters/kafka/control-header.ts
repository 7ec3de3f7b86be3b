/** Header of a record that marks the end of a partition's input; its value says nothing. */
const NAME = new TextEncoder().encode("millrace.end-of-input");

/** A record's headers (one, without a value), as they stand in a record. */
export const END_OF_INPUT_HEADERS = Uint8Array.of(2, NAME.length * 2, ...NAME, 1);

/** Whether the headers at `bytes[from, to)` are those of a marker; a batch of other producers may have others. */
export function isEndOfInputHeader(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== END_OF_INPUT_HEADERS.length) return false;
  for (let i = 0; i < END_OF_INPUT_HEADERS.length; i++) {
    if (bytes[from + i] !== END_OF_INPUT_HEADERS[i]) return false;
  }
  return true;
}
