const MAGIC = 0xfd2fb528;
/** Size of a frame's dictionary id and of its content size, by their two bits of the descriptor. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const SINGLE_SEGMENT = 0x20;

/**
 * What the header of a zstd frame claims its content to be, in bytes; null where it says nothing, or is none
 * (RFC 8878, section 3.1.1.1). A claim only: the frame may hold anything.
 */
export function zstdContentSize(frame: Uint8Array): number | null {
  if (frame.length < 18) return null;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint32(0, true) !== MAGIC) return null;
  const descriptor = frame[4];
  const isSingle = (descriptor & SINGLE_SEGMENT) !== 0;
  const at = 5 + (isSingle ? 0 : 1) + DICTIONARY_ID_BYTES[descriptor & 3];
  switch (CONTENT_SIZE_BYTES[descriptor >>> 6]) {
    case 0:
      return isSingle ? frame[at] : null;
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}
