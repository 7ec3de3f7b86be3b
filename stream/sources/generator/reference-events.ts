import type { AppendBatch } from "../../ports/event-log.ts";
import { type RecordWriter, TopicWriter } from "../batch-writer.ts";
import { partitionOf } from "../partitioner.ts";
import { SeededRandom } from "../random.ts";
import { ZipfSampler } from "../zipf.ts";

export interface ReferenceOptions {
  readonly events: number;
  readonly seed: number;
  readonly partitions: number;
  readonly topic?: string;
  readonly users?: number;
  readonly products?: number;
  /** Event time of the first event, ms; 2026-01-01T00:00:00Z unless told. */
  readonly startTime?: number;
  readonly malformedShare?: number;
  /** Events of one chunk, over all partitions. */
  readonly chunkEvents?: number;
}

export interface ReferenceCounts {
  readonly events: number;
  readonly bytes: number;
  /** Events that every decoder must refuse. */
  readonly malformed: number;
  readonly byType: Readonly<Record<string, number>>;
}

const EVENTS_PER_MS = 5;
const DISORDER_MS_MAX = 2000;
const DISORDERED_SHARE = 0.25;
const RECORD_BYTES_MAX = 400;
const TYPES = ["page_view", "item_view", "search", "cart_add", "purchase"] as const;
/** Upper bounds of the types' shares, in thousandths: 70, 15, 5, 7 and 3 %. */
const TYPE_BOUNDS = [700, 850, 900, 970, 1000];
const TYPE_OF = new Uint8Array(1000).map((_, i) => TYPE_BOUNDS.findIndex((bound) => i < bound));
const SEARCH = 2;
const PURCHASE = 4;

const piece = (text: string): Uint8Array => new TextEncoder().encode(text);
const TYPE_PIECES = TYPES.map((type) => piece(`","eventType":"${type}","eventTime":`));
const TAIL_PIECES = ["mobile", "desktop", "tablet"].flatMap((device) =>
  ["US", "DE", "FR", "GB", "IN", "BR", "JP", "CA"].map((c) =>
    piece(`"device":"${device}","country":"${c}"}`),
  ),
);
const P = {
  id: piece('{"eventId":"'),
  dash: piece("-"),
  user: piece(',"userId":"u'),
  session: piece('","sessionId":"s'),
  product: piece('","productId":"p'),
  category: piece('","categoryId":"c'),
  price: piece('","priceMinor":'),
  currency: piece(',"currency":"USD",'),
  quantity: piece('"quantity":'),
  order: piece(',"orderId":"o'),
  query: piece('","query":"'),
  close: piece('",'),
};
const QUERIES = ["red shoes", "usb cable", "coffee", "winter jacket", "desk lamp", "phone case"].map(piece);

/**
 * The reference job's events (issue: 4 million of them): a pure function of the options. The fastest
 * source there is, because a benchmark must not measure its own generator.
 */
export class ReferenceEvents implements Iterable<readonly AppendBatch[]> {
  readonly #options: Required<ReferenceOptions>;
  readonly #random: SeededRandom;
  readonly #users: ZipfSampler;
  readonly #products: ZipfSampler;
  readonly #writer: TopicWriter;
  readonly #userPartition: Uint16Array;
  readonly #typeCounts = new Float64Array(TYPES.length);
  #next = 0;
  #bytes = 0;
  #malformed = 0;

  constructor(options: ReferenceOptions) {
    this.#options = {
      topic: "customer-events",
      users: 200_000,
      products: 20_000,
      startTime: Date.UTC(2026, 0, 1),
      malformedShare: 0.001,
      chunkEvents: 10_000,
      ...options,
    };
    const o = this.#options;
    this.#random = new SeededRandom(o.seed);
    this.#users = new ZipfSampler(o.users, 0.8);
    this.#products = new ZipfSampler(o.products, 1);
    this.#writer = new TopicWriter(o.topic, o.partitions, Math.ceil((o.chunkEvents / o.partitions) * 280));
    this.#userPartition = new Uint16Array(o.users);
    for (let user = 0; user < o.users; user++) {
      this.#userPartition[user] = partitionOf(piece(`u${String(user).padStart(6, "0")}`), o.partitions);
    }
  }

  get counts(): ReferenceCounts {
    return {
      events: this.#next,
      bytes: this.#bytes,
      malformed: this.#malformed,
      byType: Object.fromEntries(TYPES.map((type, i) => [type, this.#typeCounts[i]])),
    };
  }

  /** The next chunk, one batch for each partition with records; null at the end. */
  next(): readonly AppendBatch[] | null {
    if (this.#next >= this.#options.events) return null;
    const end = Math.min(this.#options.events, this.#next + this.#options.chunkEvents);
    while (this.#next < end) this.#writeEvent(this.#next++);
    const batches: AppendBatch[] = [];
    this.#writer.drain(batches);
    for (const batch of batches) this.#bytes += batch.bytes.length;
    return batches;
  }

  *[Symbol.iterator](): Iterator<readonly AppendBatch[]> {
    for (let chunk = this.next(); chunk !== null; chunk = this.next()) yield chunk;
  }

  #writeEvent(index: number): void {
    const random = this.#random;
    const user = this.#users.draw(random);
    const w = this.#writer.partitions[this.#userPartition[user]];
    w.begin(RECORD_BYTES_MAX);
    const bits = random.word();
    const type = TYPE_OF[bits % 1000];
    const offset = Math.floor(index / EVENTS_PER_MS);
    const disorder = random.unit() < DISORDERED_SHARE ? random.below(DISORDER_MS_MAX + 1) : 0;
    const elapsed = Math.max(0, offset - disorder);
    if (random.unit() < this.#options.malformedShare) {
      this.#writeMalformed(w, index, user, elapsed);
      this.#malformed++;
    } else {
      this.#typeCounts[type]++;
      this.#writeHead(w, index, type, user, elapsed);
      if (type === SEARCH) this.#writeSearch(w, bits);
      else this.#writeProduct(w, type, index);
      w.raw(TAIL_PIECES[(bits >>> 10) % TAIL_PIECES.length]);
    }
    w.end();
  }

  #writeHead(w: RecordWriter, index: number, type: number, user: number, elapsed: number): void {
    w.raw(P.id);
    w.digits(this.#options.seed >>> 0, 10);
    w.raw(P.dash);
    w.digits(index, 10);
    w.raw(TYPE_PIECES[type]);
    w.digits(this.#options.startTime + elapsed);
    w.raw(P.user);
    w.digits(user, 6);
    w.raw(P.session);
    w.digits(user, 6);
    w.raw(P.dash);
    w.digits(Math.floor(elapsed / 1_800_000), 6);
  }

  #writeSearch(w: RecordWriter, bits: number): void {
    w.raw(P.query);
    w.raw(QUERIES[(bits >>> 16) % QUERIES.length]);
    w.raw(P.close);
  }

  #writeProduct(w: RecordWriter, type: number, index: number): void {
    const product = this.#products.draw(this.#random);
    w.raw(P.product);
    w.digits(product, 5);
    w.raw(P.category);
    w.digits(product % 97, 4);
    w.raw(P.price);
    w.digits(199 + ((product * 7919) % 49_800));
    w.raw(P.currency);
    if (type !== PURCHASE) return;
    w.raw(P.quantity);
    w.digits(1 + (index % 3));
    w.raw(P.order);
    w.digits(index, 10);
    w.raw(P.close);
  }

  /** One of five faults, in turn: cut off, text for a time, unknown enum, negative time, no user. */
  #writeMalformed(w: RecordWriter, index: number, user: number, elapsed: number): void {
    const id = `${this.#options.seed >>> 0}-${index}`;
    const time = this.#options.startTime + elapsed;
    const userId = `u${String(user).padStart(6, "0")}`;
    const faults = [
      `{"eventId":"${id}","eventType":"page_view","eventTime":${time},"userId":"${userId}","prod`,
      `{"eventId":"${id}","eventType":"page_view","eventTime":"soon","userId":"${userId}"}`,
      `{"eventId":"${id}","eventType":"page_veiw","eventTime":${time},"userId":"${userId}"}`,
      `{"eventId":"${id}","eventType":"page_view","eventTime":-5,"userId":"${userId}"}`,
      `{"eventId":"${id}","eventType":"page_view","eventTime":${time}}`,
    ];
    w.text(faults[this.#malformed % faults.length]);
  }
}

export function createReferenceEvents(options: ReferenceOptions): ReferenceEvents {
  return new ReferenceEvents(options);
}
