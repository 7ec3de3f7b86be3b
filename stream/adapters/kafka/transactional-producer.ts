import { MillraceError } from "../../../schema/index.ts";
import type { AppendPart } from "./append-parts.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { KafkaError } from "./kafka-errors.ts";
import { type ProducerOptions, ProducerSession, produce } from "./producer-session.ts";

/**
 * Longest that a transaction may stay open. A killed process leaves one open until its successor claims
 * the id or this has passed, and so long no reader gets past it.
 */
const TRANSACTION_TIMEOUT_MS = 10_000;
/** Tries of one append of an id that nobody else has: each may be rolled back for its time. */
const OWN_TRIES_MAX = 3;

/**
 * Appends to several partitions so that all is there or nothing, one transaction after the other.
 *
 * The commit point is the coordinator's note of the commit. A crash before it leaves an open
 * transaction, which the next claim of the id, or the time-out, rolls back; after it the
 * coordinator finishes the markers, whoever is alive.
 */
export class TransactionalProducer {
  readonly id: string;
  private readonly client: KafkaClient;
  private readonly options: ProducerOptions;
  private readonly isShared: boolean;
  private session: Promise<ProducerSession> | null = null;
  private last: Promise<unknown> = Promise.resolve();

  /** @param isShared whether another process may claim the id */
  constructor(id: string, client: KafkaClient, options: ProducerOptions, isShared: boolean) {
    this.id = id;
    this.client = client;
    this.options = options;
    this.isShared = isShared;
  }

  /**
   * Takes the id over: settles what its last holder left open, and shuts that one out (its calls fail
   * with code `producer-fenced`).
   */
  async claim(): Promise<void> {
    this.session = this.client.run(`claiming producer ${this.id}`, async () => {
      const coordinator = await this.client.coordinator("transaction", this.id);
      const request = { transactionalId: this.id, transactionTimeout: TRANSACTION_TIMEOUT_MS };
      return new ProducerSession(await coordinator.initProducerId(request), this.options);
    });
    const { session } = this;
    session.catch(() => {
      if (this.session === session) this.session = null;
    });
    await session;
  }

  /** Resolves with the parts' base offsets once they are committed; calls are served in their order. */
  append(parts: readonly AppendPart[]): Promise<number[]> {
    const result = this.last.then(() => this.transactInTime(parts));
    this.last = result.catch(() => undefined);
    return result;
  }

  /**
   * Who has an id for itself is shut out by the coordinator alone, which has rolled back what took longer than
   * a transaction may: brokers were away, or this process slept. Nothing of it is there, so it is sent again.
   */
  private async transactInTime(parts: readonly AppendPart[]): Promise<number[]> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.transact(parts);
      } catch (error) {
        if (this.isShared || !isFenced(error)) throw error;
        this.session = null;
        if (tried >= OWN_TRIES_MAX || this.client.closed) throw this.tooSlowError(error);
      }
    }
  }

  private tooSlowError(cause: unknown): MillraceError {
    return new MillraceError(
      `Kafka has rolled back ${OWN_TRIES_MAX} transactions in a row that took longer than ${TRANSACTION_TIMEOUT_MS / 1000} s; nothing of them is there, look at the brokers' load`,
      { code: "kafka-failed", origin: "external", retry: true, cause },
    );
  }

  private async transact(parts: readonly AppendPart[]): Promise<number[]> {
    if (this.session === null) await this.claim();
    let session = await (this.session as Promise<ProducerSession>);
    try {
      await this.begin(session, parts).catch(async (error: unknown) => {
        if (this.isShared || !isForgotten(error)) throw error;
        await this.claim();
        session = await (this.session as Promise<ProducerSession>);
        await this.begin(session, parts);
      });
      const offsets = await this.produceInOrder(session, parts);
      await this.end(session, "commit");
      return offsets;
    } catch (error) {
      // Shut out, it stays so: with the same session every further call fails the same way.
      if (isFenced(error)) throw error;
      // What is open would hold up readers; and whatever was sent, its sequences are not known any more.
      if (!this.client.closed) await this.end(session, "abort").catch(() => undefined);
      this.session = null;
      throw error;
    }
  }

  private begin(session: ProducerSession, parts: readonly AppendPart[]): Promise<unknown> {
    const topics = [...new Set(parts.map((part) => part.topic))].map((topic) => ({
      topic,
      partitions: [...new Set(parts.filter((part) => part.topic === topic).map((part) => part.partition))],
    }));
    const { producerId, producerEpoch } = session;
    const request = { transactionalId: this.id, producerId, producerEpoch, topics };
    return this.client.run(`beginning a transaction of ${this.id}`, async () =>
      (await this.client.coordinator("transaction", this.id)).addPartitionsToTxn(request),
    );
  }

  /** A request holds one batch a partition; further ones of the same partition follow. */
  private async produceInOrder(session: ProducerSession, parts: readonly AppendPart[]): Promise<number[]> {
    const offsets = new Array<number>(parts.length).fill(-1);
    let left = parts.map((_, i) => i);
    while (left.length > 0) {
      const seen = new Set<string>();
      const now = left.filter((i) => {
        const key = `${parts[i].topic}/${parts[i].partition}`;
        return !seen.has(key) && seen.add(key);
      });
      left = left.filter((i) => !now.includes(i));
      const sealed = now.map((i) => session.seal(parts[i], true));
      const bases = await produce(this.client, this.id, sealed);
      now.forEach((index, i) => {
        offsets[index] = bases[i];
      });
    }
    return offsets;
  }

  /** Sent again after a lost answer it gets the same answer: the coordinator knows how it ended. */
  private end(session: ProducerSession, how: "commit" | "abort"): Promise<unknown> {
    const { producerId, producerEpoch } = session;
    const request = {
      transactionalId: this.id,
      producerId,
      producerEpoch,
      transactionResult: how === "commit",
    };
    return this.client.run(`ending a transaction of ${this.id} (${how})`, async () =>
      (await this.client.coordinator("transaction", this.id)).endTxn(request),
    );
  }
}

/**
 * The coordinator has forgotten the id, as it does after seven days without a transaction
 * (`transactional.id.expiration.ms`). Said to the beginning of one, nothing of it was sent. A shared id is not claimed
 * anew here: another process may have it by now, and its mark has to be read before.
 */
function isForgotten(error: unknown): boolean {
  return error instanceof KafkaError && error.kind === "INVALID_PRODUCER_ID_MAPPING";
}

export function isFenced(error: unknown): boolean {
  return error instanceof MillraceError && error.code === "producer-fenced";
}
