import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ObjectStore } from "./object-store.ts";

/** A store that has nothing in it yet, and the way to get rid of it. */
export interface ObjectStoreFixture {
  readonly store: ObjectStore;
  remove(): Promise<void>;
}

const text = (value: string): Uint8Array => Buffer.from(value);

/** What every object store guarantees. */
export function objectStoreContract(name: string, create: () => Promise<ObjectStoreFixture>): void {
  describe(`object store contract: ${name}`, () => {
    let fixture: ObjectStoreFixture;
    let store: ObjectStore;
    beforeEach(async () => {
      fixture = await create();
      store = fixture.store;
    });
    afterEach(() => fixture.remove());

    async function keys(prefix: string): Promise<string[]> {
      const found: string[] = [];
      for await (const { key } of store.list(prefix)) found.push(key);
      return found;
    }

    it("gives back what was put, empty and binary objects too", async () => {
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      await store.put("a/b/all", all);
      await store.put("empty", new Uint8Array(0));
      expect(Buffer.from(await store.get("a/b/all"))).toEqual(Buffer.from(all));
      expect((await store.get("empty")).length).toBe(0);
      expect(await store.head("a/b/all")).toMatchObject({ key: "a/b/all", bytes: 256 });
    });

    it("puts the pieces of an object back to back, however many they are", async () => {
      const pieces = Array.from({ length: 3000 }, (_, i) => new Uint8Array(i % 97).fill(i));
      await store.put("pieces", pieces);
      await store.put("no pieces", [new Uint8Array(0)]);
      expect(Buffer.from(await store.get("pieces")).equals(Buffer.concat(pieces))).toBe(true);
      expect((await store.get("no pieces")).length).toBe(0);
    });

    it("replaces an object, and refuses to where it must be absent", async () => {
      await store.put("k", text("one"));
      await store.put("k", text("two"));
      await expect(store.put("k", text("three"), { ifAbsent: true })).rejects.toMatchObject({
        code: "precondition-failed",
      });
      expect(Buffer.from(await store.get("k")).toString()).toBe("two");
      await store.put("new", text("x"), { ifAbsent: true });
      expect(Buffer.from(await store.get("new")).toString()).toBe("x");
    });

    it("lets exactly one of 20 racing creators win, and keeps the winner's bytes", async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => store.put("race", text(`writer ${i}`), { ifAbsent: true })),
      );
      const winners = results.flatMap((result, i) => (result.status === "fulfilled" ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(Buffer.from(await store.get("race")).toString()).toBe(`writer ${winners[0]}`);
      for (const result of results) {
        if (result.status === "rejected")
          expect(result.reason).toMatchObject({ code: "precondition-failed" });
      }
    });

    it("never shows a reader a part of an object that is being replaced", async () => {
      const versions = ["a", "b"].map((letter) => text(letter.repeat(300_000)));
      await store.put("big", versions[0]);
      let isWriting = true;
      const writer = (async () => {
        for (let i = 0; i < 10; i++) await store.put("big", versions[i % 2]);
        isWriting = false;
      })();
      while (isWriting) {
        const read = Buffer.from(await store.get("big")).toString();
        expect(read).toBe(read[0].repeat(300_000));
      }
      await writer;
    });

    it("lists by prefix, in key order, and nothing else", async () => {
      for (const key of ["p/2", "p/10", "p/1/x", "p-other", "q"]) await store.put(key, text("."));
      expect(await keys("p/")).toEqual(["p/1/x", "p/10", "p/2"]);
      expect(await keys("p/1")).toEqual(["p/1/x", "p/10"]);
      expect(await keys("nothing/here/")).toEqual([]);
      expect(await keys("")).toEqual(["p-other", "p/1/x", "p/10", "p/2", "q"]);
    });

    it("deletes what exists of the keys", async () => {
      await store.put("a", text("."));
      await store.put("b", text("."));
      await store.delete(["a", "missing", "also/missing"]);
      expect(await keys("")).toEqual(["b"]);
      expect(await store.head("a")).toBeNull();
    });

    it("says that an object is missing", async () => {
      await expect(store.get("missing/object")).rejects.toMatchObject({ code: "object-not-found" });
      expect(await store.head("missing/object")).toBeNull();
    });

    it("forms addresses by appending the key", () => {
      expect(store.uri("lake/x")).toBe(`${store.uri("")}lake/x`);
    });
  });
}
