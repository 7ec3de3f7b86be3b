import fc from "fast-check";
import { expect, it } from "vitest";
import { RECORD_PADDING } from "../../../schema/index.ts";
import { FrameAssembler } from "./frame-socket.ts";

function frameOf(content: Uint8Array): Buffer {
  const frame = Buffer.alloc(4 + content.length);
  frame.writeInt32BE(content.length, 0);
  frame.set(content, 4);
  return frame;
}

it("delivers every frame whole, wherever the bytes were cut, with padding behind it", () => {
  const contents = fc.array(fc.uint8Array({ minLength: 4, maxLength: 50 }), { maxLength: 12 });
  fc.assert(
    fc.property(contents, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (all, sizes) => {
      const stream = Buffer.concat(all.map(frameOf));
      const seen: Buffer[] = [];
      const frames = new FrameAssembler((frame) => seen.push(frame));
      const chunk = Buffer.alloc(40);
      for (let at = 0, i = 0; at < stream.length; i++) {
        // The same buffer each time, as a socket reads into it.
        const count = stream.copy(chunk, 0, at, at + sizes[i % sizes.length]);
        frames.push(chunk.subarray(0, count));
        at += count;
      }
      expect(seen).toEqual(all.map(frameOf));
      for (const frame of seen)
        expect(frame.buffer.byteLength - frame.byteOffset).toBeGreaterThanOrEqual(
          frame.length + RECORD_PADDING,
        );
    }),
  );
});

it("refuses what cannot be an answer of Kafka", () => {
  const frames = new FrameAssembler(() => undefined);
  expect(() => frames.push(Buffer.from("HTTP/1.1 400 Bad Request"))).toThrow(/check that the address/);
  expect(() => new FrameAssembler(() => undefined).push(Buffer.from([0, 0, 0, 1, 9]))).toThrow();
});
