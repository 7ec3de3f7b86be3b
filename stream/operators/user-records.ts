import type { KeyDictionary } from "../../schema/index.ts";
import type { HotOutputs } from "../sinks/hot-batch-writer.ts";
import { HotNamespace } from "../sinks/hot-records.ts";
import { type JsonWriter, jsonFragment } from "../sinks/json-writer.ts";
import { sortByKey } from "./key-order.ts";
import { SlotSet } from "./slot-set.ts";
import { TOUCH_ROWS } from "./touch-slots.ts";

/** What one operator has to say in a user's hot record. */
export interface UserRecordPart {
  /** Field of the record. */
  readonly name: string;
  /** False for a user of whom there is nothing to say; the field is then missing. */
  has(user: number): boolean;
  /** Reads what is kept of `users[from, to)`, so that {@link write} finds it in the cache; at most TOUCH_ROWS. */
  readAhead(users: Int32Array, from: number, to: number): void;
  /** Writes the part as a JSON value. */
  write(user: number, out: JsonWriter): void;
  /** Has nothing more to say of a user of whom it does not keep all that it said last. */
  forgetUnkept?(user: number): void;
}

const OPEN = jsonFragment('{"userId":');
const CLOSE = jsonFragment("}");

/**
 * The hot record of each user, in one value: operators add their parts and mark the users whose part
 * changed, so that an event that changes several of them is one write. Which users wait is no state:
 * a checkpoint is only prepared when all that waited at its cut is written.
 */
export class UserRecords {
  private readonly userIds: KeyDictionary;
  private readonly ttlMs: number;
  private readonly parts: { readonly part: UserRecordPart; readonly field: Uint8Array }[] = [];
  private readonly changed = new SlotSet();
  /** So many of the first that wait lie in the order of their keys already. */
  private arranged = 0;

  constructor(userIds: KeyDictionary, ttlMs: number) {
    this.userIds = userIds;
    this.ttlMs = ttlMs;
  }

  addPart(part: UserRecordPart): void {
    this.parts.push({ part, field: jsonFragment(`,${JSON.stringify(part.name)}:`) });
  }

  mark(user: number): void {
    this.changed.add(user);
  }

  /** Marks the users of [from, to) of whom there still is something to say, without a new event. */
  markAll(from: number, to: number): void {
    for (let user = from; user < Math.min(to, this.userIds.size); user++) {
      if (this.isMarked(user)) continue;
      for (const { part } of this.parts) part.forgetUnkept?.(user);
      if (this.parts.some(({ part }) => part.has(user))) this.mark(user);
    }
  }

  /** Users that wait to be written. */
  get waiting(): number {
    return this.changed.size;
  }

  isMarked(user: number): boolean {
    return this.changed.has(user);
  }

  /** Puts so many of the users that changed first into the order of their keys, for all the flushes to come. */
  arrange(usersMax: number): void {
    this.changed.arrange(usersMax, (users) => sortByKey(users, this.userIds));
    this.arranged = Math.min(usersMax, this.changed.size);
  }

  /** Writes the records of the users that changed first, at most so many; whether more are waiting. */
  flush(hot: HotOutputs, usersMax: number): boolean {
    if (this.changed.size === 0) return false;
    const { userIds, parts } = this;
    const batch = hot.namespace(HotNamespace.users, this.ttlMs);
    const taken = this.changed.take(usersMax);
    // Neighbours in the store share pages.
    const users = taken.length <= this.arranged ? taken : sortByKey(taken, userIds);
    this.arranged = Math.max(0, this.arranged - taken.length);
    for (const [i, user] of users.entries()) {
      if (i % TOUCH_ROWS === 0) this.readAhead(users, i);
      batch.out.copy(userIds.heap, userIds.start(user), userIds.ends[user]);
      batch.value();
      const { out } = batch;
      out.raw(OPEN);
      out.key(userIds, user);
      for (const { part, field } of parts) {
        if (!part.has(user)) continue;
        out.raw(field);
        part.write(user, out);
      }
      out.raw(CLOSE);
      batch.end();
    }
    return this.changed.size > 0;
  }

  private readAhead(users: Int32Array, from: number): void {
    const to = Math.min(users.length, from + TOUCH_ROWS);
    for (const { part } of this.parts) part.readAhead(users, from, to);
  }
}
