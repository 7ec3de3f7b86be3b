const NEWLINE = 10;
const RETURN = 13;

/** One line without its end; null bytes where it was longer than allowed. */
export interface ByteLine {
  /** Counted from 1. */
  readonly line: number;
  readonly bytes: Buffer | null;
}

/** Lines of a stream as bytes, untouched but for a leading byte order mark and the CR of CR LF; empty ones left out. */
export async function* byteLines(
  source: AsyncIterable<Buffer>,
  lineBytesMax: number,
): AsyncGenerator<ByteLine[]> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 1;
  let skipping = false;
  let first = true;
  const take = (lines: ByteLine[], bytes: Buffer): void => {
    const end = bytes[bytes.length - 1] === RETURN ? bytes.length - 1 : bytes.length;
    if (skipping || end > lineBytesMax) lines.push({ line, bytes: null });
    else if (end > 0) lines.push({ line, bytes: bytes.subarray(0, end) });
    skipping = false;
    line++;
  };
  for await (const piece of source) {
    let bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    if (first && bytes.length >= 3) {
      first = false;
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);
    }
    const lines: ByteLine[] = [];
    let at = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, at)) {
      take(lines, bytes.subarray(at, end));
      at = end + 1;
    }
    rest = bytes.subarray(at);
    if (rest.length > lineBytesMax) {
      // Too long already: kept is only the fact.
      skipping = true;
      rest = Buffer.alloc(0);
    }
    yield lines;
  }
  const last: ByteLine[] = [];
  if (rest.length > 0 || skipping) take(last, rest);
  yield last;
}
