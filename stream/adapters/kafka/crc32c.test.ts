import { expect, it } from "vitest";
import { crc32c } from "./crc32c.ts";

const checksum = (bytes: Uint8Array): string => crc32c(bytes, 0, bytes.length).toString(16).padStart(8, "0");

/** By definition, a bit at a time. */
function bitwise(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

it("gives the checksums of RFC 3720, B.4", () => {
  const rising = Uint8Array.from({ length: 32 }, (_, i) => i);
  const scsiRead = Buffer.from(
    "01c00000000000000000000000000000140000000000040000000014000000182800000000000000020000000000000000".slice(
      0,
      96,
    ),
    "hex",
  );
  expect(checksum(Buffer.from("123456789"))).toBe("e3069283");
  expect(checksum(new Uint8Array(32))).toBe("8a9136aa");
  expect(checksum(new Uint8Array(32).fill(0xff))).toBe("62a8ab43");
  expect(checksum(rising)).toBe("46dd794e");
  expect(checksum(rising.toReversed())).toBe("113fdb5c");
  expect(checksum(scsiRead)).toBe("d9963a56");
});

it("is right at any alignment and length", () => {
  const bytes = Uint8Array.from({ length: 200 }, (_, i) => (i * 167 + (i >> 3) * 13) & 255);
  for (let from = 0; from < 9; from++) {
    for (let to = from; to <= bytes.length; to++) {
      expect(crc32c(bytes, from, to)).toBe(bitwise(bytes.subarray(from, to)));
    }
  }
});
