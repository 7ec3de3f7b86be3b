import { describe, expect, it } from "vitest";
import { KeyDictionary, StateSection } from "../../schema/index.ts";
import { createRandom } from "../training/random.ts";
import { BOUGHT_MAX, LOOKS_MAX, Look, SessionLooks } from "./session-looks.ts";
import { EventTypeCode } from "./shopper-event.ts";

const GAP_MS = 1000;
const START = Date.UTC(2026, 0, 5);

interface Row {
  readonly type: keyof typeof EventTypeCode;
  readonly user: number;
  readonly product: number;
  readonly at: number;
}

type Batch = Parameters<SessionLooks["fold"]>[0];

function createRig(users: number) {
  const keys = {
    userId: new KeyDictionary("userId"),
    productId: new KeyDictionary("productId"),
    categoryId: new KeyDictionary("categoryId"),
  };
  for (let user = 0; user < users; user++) keys.userId.internText(`u${user}`);
  const looks = new SessionLooks(new StateSection("test"), keys, GAP_MS);
  looks.ensure();
  return {
    looks,
    fold({ type, user, product, at }: Row, flags = 0): number {
      const batch = {
        eventType: { codes: Uint8Array.of(EventTypeCode[type]) },
        eventTime: { values: Float64Array.of(START + at) },
        userId: { ids: Int32Array.of(user) },
        productId: { ids: Int32Array.of(product) },
        flags: Uint8Array.of(flags),
      };
      return looks.fold(batch as unknown as Batch, 0);
    },
    visit(user: number): number[] {
      const out = new Int32Array(LOOKS_MAX);
      return [...out.subarray(0, looks.read(user, out))];
    },
    bought(user: number): number[] {
      const out = new Int32Array(BOUGHT_MAX);
      return [...out.subarray(0, looks.readBought(user, out))].sort((a, b) => a - b);
    },
  };
}

describe("looks of a visit", () => {
  it("are those that lists of all events say, for random events of many users", () => {
    const random = createRandom(11);
    const types = ["page_view", "item_view", "click", "search", "cart_add", "purchase"] as const;
    const rig = createRig(5);
    const visits: number[][] = Array.from({ length: 5 }, () => []);
    const bought: number[][] = Array.from({ length: 5 }, () => []);
    const last = new Float64Array(5).fill(Number.NEGATIVE_INFINITY);
    for (let i = 0, at = 0; i < 5000; i++) {
      at += Math.floor(300 * random());
      const user = Math.floor(5 * random());
      const product = Math.floor(20 * random()) - 1;
      const type = types[Math.floor(types.length * random())];
      const time = Math.max(0, at - Math.floor(400 * random() ** 4));
      const look = rig.fold({ type, user, product, at: time });
      if (product >= 0 && (type === "page_view" || type === "item_view")) {
        const begins = time - last[user] > GAP_MS;
        expect(look).toBe(begins ? Look.first : Look.next);
        if (begins) visits[user] = [];
        visits[user].push(product);
        last[user] = Math.max(last[user], time);
        expect(rig.looks.lastMs(user)).toBe(START + last[user]);
      } else if (product >= 0 && type === "purchase") {
        expect(look).toBe(Look.purchase);
        bought[user].push(product);
      } else expect(look).toBe(Look.none);
      expect(rig.looks.looks(user)).toBe(visits[user].length);
      expect(rig.visit(user)).toEqual(visits[user].slice(-LOOKS_MAX));
      expect(rig.bought(user)).toEqual(bought[user].slice(-BOUGHT_MAX).sort((a, b) => a - b));
    }
  });

  it("keep their order where a robot looks at a million products and buys thousands", () => {
    const rig = createRig(1);
    for (let i = 0; i < 1_100_000; i++) rig.fold({ type: "item_view", user: 0, product: i % 1000, at: 0 });
    expect(rig.visit(0)).toEqual(Array.from({ length: LOOKS_MAX }, (_, k) => 990 + k));
    for (let i = 0; i < 5000; i++) rig.fold({ type: "purchase", user: 0, product: i, at: 0 });
    expect(rig.bought(0)).toEqual([4997, 4998, 4999]);
    expect(rig.visit(0)).toHaveLength(LOOKS_MAX);
  });

  it("leave repeats of the log out", () => {
    const rig = createRig(1);
    expect(rig.fold({ type: "item_view", user: 0, product: 3, at: 0 }, 1)).toBe(Look.none);
    expect(rig.visit(0)).toEqual([]);
  });
});
