import type { AppendPart } from "./append-parts.ts";
import type { ProducerMarks } from "./producer-marks.ts";
import { isFenced, type TransactionalProducer } from "./transactional-producer.ts";

/**
 * A producer whose appends carry a sequence. Its transactional id is its own, so a process that claims
 * it shuts out the one that had it before: what this one knows as the last sequence stays true until
 * it is shut out itself, without a look at the log.
 */
export class MarkedProducer {
  private readonly id: string;
  private readonly producer: TransactionalProducer;
  private readonly marks: ProducerMarks;
  private claimed: Promise<number> | null = null;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(id: string, producer: TransactionalProducer, marks: ProducerMarks) {
    this.id = id;
    this.producer = producer;
    this.marks = marks;
  }

  /** Claims the producer, and answers its last sequence, or -1. */
  claim(): Promise<number> {
    return this.inTurn(() => this.claimNow());
  }

  /** Resolves with the base offsets when durable, or with null for a repeat. */
  append(parts: readonly AppendPart[], sequence: number): Promise<number[] | null> {
    return this.inTurn(async () => {
      const last = await (this.claimed ?? this.claimNow());
      if (sequence <= last) return null;
      try {
        const offsets = await this.producer.append([...parts, this.marks.part(this.id, sequence)]);
        this.claimed = Promise.resolve(sequence);
        return offsets.slice(0, parts.length);
      } catch (error) {
        // Shut out, it stays so until somebody asks for the sequence again. Else the outcome is not
        // known, and the next append reads in the log how it ended.
        if (!isFenced(error)) this.claimed = null;
        throw error;
      }
    });
  }

  private claimNow(): Promise<number> {
    const claimed = this.producer.claim().then(() => this.marks.lastSequence(this.id));
    this.claimed = claimed;
    claimed.catch(() => {
      if (this.claimed === claimed) this.claimed = null;
    });
    return claimed;
  }

  private inTurn<T>(body: () => Promise<T>): Promise<T> {
    const result = this.turn.then(body);
    this.turn = result.catch(() => undefined);
    return result;
  }
}
