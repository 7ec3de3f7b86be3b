import { describe, expect, test } from "vitest";
import { jsonBlob, KeyDictionary, PAGE_ELEMENTS, StateSection } from "../../schema/index.ts";
import { SeededRandom } from "../sources/random.ts";
import { restoreStateImages, StateImageWriter } from "./state-image.ts";

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
    restoreStateImages([restored.section], images);
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
        restoreStateImages([restored.section], images);
        expect(restored.read()).toEqual(live.read());
        put(1000);
      }
    }
  });

  test("state that this version does not keep is refused with what to do", () => {
    const live = createState();
    const image = new StateImageWriter([live.section]).capture("full");
    expect(() => restoreStateImages([new StateSection("users")], image)).toThrow(/does not keep/);
  });
});
