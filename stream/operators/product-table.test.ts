import { describe, expect, test } from "vitest";
import { type ProductBatch, productContract, StateSection } from "../../schema/index.ts";
import { StateImageWriter } from "../runtime/state-image.ts";
import { restoreParts } from "../runtime/testing/restore-parts.ts";
import { createProductTable } from "./product-table.ts";
import { copyState, seededRandom } from "./testing/drive.ts";
import { createKeys, makeBatch, type PlainRow } from "./testing/make-batch.ts";

const VERSIONS_MAX = 16;

function createRig() {
  const keys = createKeys();
  const products = createProductTable({ keys });
  const keySection = new StateSection("keys");
  for (const dictionary of Object.values(keys)) keySection.dictionary(dictionary);
  return {
    products,
    sections: [keySection, products.state],
    feed(rows: readonly PlainRow[]): void {
      const updates = rows.map((row, i) => ({ eventId: `e${i}`, productId: "p", ...row }));
      products.fold(makeBatch<ProductBatch>(productContract, updates, { keys }));
    },
    /** Name, brand, category and code of a product at an event time; null where it is unknown. */
    at(productId: string, time: number) {
      const version = products.versionAt(keys.productId.find(productId), time);
      if (version < 0) return null;
      const text = (dictionary: { text(id: number): string }, id: number) =>
        id < 0 ? null : dictionary.text(id);
      return {
        name: text(products.names, products.nameOf(version)),
        brand: text(products.brands, products.brandOf(version)),
        category: text(keys.categoryId, products.categoryOf(version)),
        code: text(products.codes, products.codeOf(version)),
      };
    },
    nameAt(time: number, productId = "p"): string | null | undefined {
      return this.at(productId, time)?.name;
    },
  };
}

const version = (updateTime: number, name = `v${updateTime}`): PlainRow => ({ updateTime, name });

describe("product table", () => {
  test("gives the newest version that is not after the event time", () => {
    const rig = createRig();
    rig.feed([version(100), version(200), version(300)]);
    expect([100, 199, 200, 299, 300, 1e12].map((time) => rig.nameAt(time))).toEqual([
      "v100",
      "v100",
      "v200",
      "v200",
      "v300",
      "v300",
    ]);
  });

  test("gives the earliest known version to events before it, and none of an unknown product", () => {
    const rig = createRig();
    rig.feed([version(100), version(200)]);
    expect(rig.nameAt(5)).toBe("v100");
    expect(rig.at("other", 100)).toBeNull();
    expect(rig.products.versionAt(-1, 100)).toBe(-1);
    expect(rig.products.versionAt(1_000_000, 100)).toBe(-1);
  });

  test("keeps every attribute of a version, nulls too, apart from other versions and products", () => {
    const rig = createRig();
    rig.feed([
      { updateTime: 1, name: "chair", brand: "oak & co", categoryId: "c1", categoryCode: "home.chair" },
      { updateTime: 2, name: "chair" },
      { productId: "q", updateTime: 1, brand: "q brand" },
    ]);
    expect(rig.at("p", 1)).toEqual({ name: "chair", brand: "oak & co", category: "c1", code: "home.chair" });
    expect(rig.at("p", 2)).toEqual({ name: "chair", brand: null, category: null, code: null });
    expect(rig.at("q", 2)).toEqual({ name: null, brand: "q brand", category: null, code: null });
  });

  test("the order of arrival does not matter", () => {
    const versions = Array.from({ length: 12 }, (_, i) => version(i * 10));
    const random = seededRandom(3);
    for (let round = 0; round < 20; round++) {
      const rig = createRig();
      rig.feed(versions.toSorted(() => random() - 0.5));
      for (let i = 0; i < 12; i++) {
        expect(rig.nameAt(i * 10)).toBe(`v${i * 10}`);
        expect(rig.nameAt(i * 10 + 9)).toBe(`v${i * 10}`);
      }
    }
  });

  test("of two versions of one time the one that came last holds", () => {
    const rig = createRig();
    rig.feed([version(100, "first"), version(200), version(100, "second")]);
    expect(rig.nameAt(150)).toBe("second");
    expect(rig.nameAt(200)).toBe("v200");
  });

  test("keeps the newest 16 versions, whatever the order in which more of them came", () => {
    const random = seededRandom(4);
    for (let round = 0; round < 30; round++) {
      const rig = createRig();
      const times = Array.from({ length: 40 }, (_, i) => 1000 + i * 10);
      // Other products in between, so that freed slots are not simply next to each other.
      const rows = times.flatMap((time) => [version(time), { ...version(time), productId: `q${time % 7}` }]);
      rig.feed(round === 0 ? rows : rows.toSorted(() => random() - 0.5));
      const kept = times.slice(-VERSIONS_MAX);
      for (const time of kept) expect(rig.nameAt(time)).toBe(`v${time}`);
      // Everything before them has the oldest that is kept.
      for (const time of times.slice(0, -VERSIONS_MAX)) expect(rig.nameAt(time)).toBe(`v${kept[0]}`);
    }
  });

  test("a version that is older than all that are kept is left out, one that fits between is taken in", () => {
    const rig = createRig();
    rig.feed(Array.from({ length: VERSIONS_MAX }, (_, i) => version(100 + i * 10)));
    rig.feed([version(50)]);
    expect(rig.nameAt(60)).toBe("v100");
    rig.feed([version(105)]);
    expect(rig.nameAt(105)).toBe("v105");
    expect(rig.nameAt(100)).toBe("v105");
    rig.feed([version(1000)]);
    expect(rig.nameAt(105)).toBe("v110");
    expect(rig.nameAt(1000)).toBe("v1000");
  });

  test("takes no more memory for a product that changes for ever", () => {
    const rig = createRig();
    const slots = () => rig.products.state.arrays.find(({ name }) => name === "time")?.length;
    for (let i = 0; i < 50; i++) rig.feed([version(i, "same")]);
    const before = slots();
    for (let i = 50; i < 2000; i++) rig.feed([version(i, "same")]);
    expect(slots()).toBe(before);
  });

  test("restored from images it goes on as the one that never stopped", () => {
    const random = seededRandom(8);
    const updates = Array.from({ length: 3000 }, () => ({
      ...version(Math.floor(random() * 5000)),
      productId: `p${Math.floor(random() * 60)}`,
      brand: random() < 0.5 ? null : `brand ${Math.floor(random() * 9)}`,
      categoryId: `c${Math.floor(random() * 9)}`,
    }));
    const straight = createRig();
    straight.feed(updates);
    let restored = createRig();
    for (let from = 0; from < updates.length; from += 500) {
      restored.feed(updates.slice(from, from + 500));
      const next = createRig();
      copyState(restored.sections, next.sections);
      restored = next;
    }
    const look = (rig: typeof straight) =>
      Array.from({ length: 60 }, (_, p) => Array.from({ length: 50 }, (_, t) => rig.at(`p${p}`, t * 100)));
    expect(look(restored)).toEqual(look(straight));
  });

  test("a chain of delta images restores what a full one does", () => {
    const random = seededRandom(21);
    const live = createRig();
    const writer = new StateImageWriter(live.sections);
    const images: Uint8Array[] = [];
    for (let epoch = 0; epoch < 12; epoch++) {
      live.feed(
        Array.from({ length: 400 }, () => ({
          ...version(Math.floor(random() * 9000)),
          productId: `p${Math.floor(random() * 500)}`,
        })),
      );
      images.push(...writer.capture(epoch === 0 ? "full" : "delta"));
    }
    const restored = createRig();
    restoreParts(restored.sections, images);
    for (let p = 0; p < 500; p++) {
      for (let t = 0; t < 9000; t += 500) expect(restored.at(`p${p}`, t)).toEqual(live.at(`p${p}`, t));
    }
  });
});
