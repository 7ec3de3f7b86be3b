import { connect, type Socket } from "node:net";
import { RECORD_PADDING } from "../../../schema/index.ts";

const LENGTH_BYTES = 4;
/** Bytes that one read from the socket takes at most. */
const READ_BYTES = 256 << 10;
/** Longest answer: a fetch's bound and one record batch beyond it, with much to spare. */
const FRAME_BYTES_MAX = 256 << 20;

/**
 * A TCP connection that hands each answer of Kafka over as one `data` event. By default Node makes a
 * buffer for every 64 kB, which kafkajs then joins to another: collecting these cost more than
 * checking and scanning the records. Here the socket is read into one buffer that stays, and copied
 * from there into the answer's own, which has the padding that readers of records need behind it.
 */
export function openFrameSocket(host: string, port: number): Socket {
  const frames = new FrameAssembler((frame) => socket.emit("data", frame));
  const socket: Socket = connect({
    host,
    port,
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (count, buffer) => {
        try {
          frames.push(Buffer.from(buffer.buffer, buffer.byteOffset, count));
        } catch (error) {
          socket.destroy(error as Error);
        }
        return true;
      },
    },
  });
  return socket;
}

/** Puts int32 length and as many bytes together, however the network cut them. */
export class FrameAssembler {
  private readonly deliver: (frame: Buffer) => void;
  private readonly length = Buffer.alloc(LENGTH_BYTES);
  private lengthRead = 0;
  private frame: Buffer | null = null;
  private frameRead = 0;

  constructor(deliver: (frame: Buffer) => void) {
    this.deliver = deliver;
  }

  /** Takes bytes, which may change once this returns. Frames are delivered with their length in front. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.frame === null) {
        const count = chunk.copy(this.length, this.lengthRead, at);
        this.lengthRead += count;
        at += count;
        if (this.lengthRead < LENGTH_BYTES) return;
        this.begin();
      }
      const frame = this.frame as unknown as Buffer;
      const count = chunk.copy(frame, this.frameRead, at);
      this.frameRead += count;
      at += count;
      if (this.frameRead < frame.length) continue;
      this.frame = null;
      this.lengthRead = 0;
      this.deliver(frame);
    }
  }

  private begin(): void {
    const size = this.length.readInt32BE(0);
    if (size < LENGTH_BYTES || size > FRAME_BYTES_MAX)
      throw new Error(`an answer of ${size} bytes is not Kafka's; check that the address is a broker's`);
    const bytes = Buffer.allocUnsafeSlow(LENGTH_BYTES + size + RECORD_PADDING);
    this.frame = bytes.subarray(0, LENGTH_BYTES + size);
    this.length.copy(this.frame);
    this.frameRead = LENGTH_BYTES;
  }
}
