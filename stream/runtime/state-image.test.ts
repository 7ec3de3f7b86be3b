import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonBlob, KeyDictionary, PAGE_ELEMENTS, StateSection } from "../../schema/index.ts";
import { SeededRandom } from "../sources/random.ts";
import { StateImageWriter } from "./state-image.ts";
import { restoreParts } from "./testing/restore-parts.ts";

function createState() {
  const section = new StateSection("users");
  const counts = section.int32("counts", -1);
  const times = section.float64("times");
  const keys = section.dictionary(new KeyDictionary("userId"));
  let note = "none";
  section.blob = jsonBlob(
    () => note,
    (value) => {
      note = value;
    },
  );
  const put = (key: string, count: number, time: number): void => {
    const id = keys.internText(key);
    counts.ensure(keys.size);
    times.ensure(keys.size);
    counts.values[id] = count;
    times.values[id] = time;
    counts.mark(id);
    times.mark(id);
  };
  const read = () =>
    Array.from(
      { length: keys.size },
      (_, id) => [keys.text(id), counts.values[id], times.values[id]] as const,
    );
  return {
    section,
    put,
    read,
    setNote: (value: string) => {
      note = value;
    },
    note: () => note,
  };
}

const bytesOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);

describe("state images", () => {
  test("a full image and its deltas restore exactly what was there, over many pages", () => {
    const live = createState();
    const writer = new StateImageWriter([live.section]);
    for (let i = 0; i < PAGE_ELEMENTS * 2 + 5; i++) live.put(`user-${i}`, i, i * 1.5);
    const images = writer.capture("full");
    live.put("user-3", -7, 2 ** 52);
    for (let i = 0; i < 5000; i++) live.put(`späte-${i}`, i, -i);
    live.setNote("two");
    images.push(...writer.capture("delta"));
    images.push(...writer.capture("delta"));

    const restored = createState();
    restoreParts([restored.section], images);
    expect(restored.read()).toEqual(live.read());
    expect(restored.note()).toBe("two");
    restored.put("after", 1, 1);
    expect(restored.read().at(-1)).toEqual(["after", 1, 1]);
  });

  test("a delta holds the changed pages only", () => {
    const live = createState();
    const writer = new StateImageWriter([live.section]);
    for (let i = 0; i < PAGE_ELEMENTS * 64; i++) live.put(`user-${i}`, (i * 2654435761) | 0, Math.sin(i));
    const full = bytesOf(writer.capture("full"));
    live.put("user-0", 1, 1);
    expect(bytesOf(writer.capture("delta"))).toBeLessThan(full / 30);
  });

  test("what is copied ahead of the cut, and written to until then, is restored as it was at the cut", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const seeded = new SeededRandom(seed);
      const random = (): number => seeded.unit();
      const live = createState();
      const writer = new StateImageWriter([live.section]);
      const images: Uint8Array[] = [];
      const put = (puts: number): void => {
        for (let i = 0; i < puts; i++) live.put(`user-${Math.floor(random() * 60_000)}`, i + 1, random());
      };
      put(50_000);
      for (let image = 0; image < 4; image++) {
        writer.begin(image === 0 ? "full" : "delta");
        put(100);
        // Some cuts come before the pass has reached the end.
        for (let parts = Math.floor(random() * 4); parts >= 0; parts--) {
          const part = writer.copyAhead();
          if (part === null) break;
          images.push(part);
          put(100);
        }
        images.push(...writer.finish());
        const restored = createState();
        restoreParts([restored.section], images);
        expect(restored.read()).toEqual(live.read());
        put(1000);
      }
    }
  });

  test("arrays that were longer before, and dictionaries, blobs and arrays over random chains, are as they were", () => {
    const chain = fc.array(fc.record({ keys: fc.nat(300), ids: fc.nat(500), clears: fc.boolean() }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(chain, (images) => {
        const live = createState();
        const ids = live.section.int32("ids");
        const writer = new StateImageWriter([live.section]);
        const parts: Uint8Array[] = [];
        for (const [number, { keys, ids: added, clears }] of images.entries()) {
          for (let i = 0; i < keys; i++) live.put(`user-${(number * 97 + i * 7) % 900}`, number, i);
          // As the ids of a bucket of time that is used again.
          if (clears) ids.length = 0;
          for (let i = 0; i < added; i++) {
            ids.ensure(ids.length + 1);
            ids.values[ids.length - 1] = number * 1000 + i;
            ids.mark(ids.length - 1);
          }
          live.setNote(`image ${number}`);
          parts.push(...writer.capture(number === 0 ? "full" : "delta"));
        }
        const restored = createState();
        const idsOf = restored.section.int32("ids");
        restoreParts([restored.section], parts);
        expect(restored.read()).toEqual(live.read());
        expect(restored.note()).toBe(live.note());
        expect(idsOf.values.slice(0, idsOf.length)).toEqual(ids.values.slice(0, ids.length));
      }),
    );
  });

  test("state that this version does not keep is refused with what to do", () => {
    const live = createState();
    const image = new StateImageWriter([live.section]).capture("full");
    expect(() => restoreParts([new StateSection("users")], image)).toThrow(/does not keep/);
  });

  test("state whose section lacks an array that this version has, or has it as another kind, is refused", () => {
    const live = createState();
    live.put("user-1", 1, 2);
    const image = () => new StateImageWriter([live.section]).capture("full");
    const more = createState();
    more.section.int32("added");
    expect(() => restoreParts([more.section], image())).toThrow(
      /users without added, which this version with these settings needs/,
    );
    const other = createState();
    other.section.float64("sums");
    live.section.int32("sums");
    expect(() => restoreParts([other.section], image())).toThrow(/users\.sums as int32/);
  });

  test("state that was made with other settings is refused, by their names", () => {
    const live = createState();
    const image = (): Uint8Array[] => new StateImageWriter([live.section]).capture("full");
    const restored = createState();
    restored.section.measure("windowMs", 60_000);
    // As of versions that did not tell.
    expect(() => restoreParts([restored.section], image())).not.toThrow();
    live.section.measure("windowMs", 60_000);
    expect(() => restoreParts([restored.section], image())).not.toThrow();
    live.section.measure("windowMs", 120_000);
    expect(() => restoreParts([restored.section], image())).toThrow(
      /state of users was made with windowMs = 120000, and the settings give 60000 now: set them back/,
    );
  });

  test("a section that no checkpoint has yet begins empty", () => {
    const live = createState();
    live.put("user-1", 1, 2);
    const restored = createState();
    const fresh = new StateSection("newcomers");
    const counts = fresh.int32("counts");
    restoreParts([restored.section, fresh], new StateImageWriter([live.section]).capture("full"));
    expect(restored.read()).toEqual([["user-1", 1, 2]]);
    expect(counts.length).toBe(0);
  });
});
