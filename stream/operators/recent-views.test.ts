import { expect, test } from "vitest";
import { KeyDictionary, StateSection } from "../../schema/index.ts";
import { StateImageWriter } from "../runtime/state-image.ts";
import { restoreParts } from "../runtime/testing/restore-parts.ts";
import { JsonWriter } from "../sinks/json-writer.ts";
import { RecentViews } from "./recent-views.ts";
import { seededRandom } from "./testing/drive.ts";

const CONFIG = { recentMs: 60_000, listMax: 20, outOfOrdernessMs: 2_000 };
const KINDS = [Buffer.from('"page_view"'), Buffer.from('"item_view"')];
const products = new KeyDictionary("products");
for (let k = 0; k < 50; k++) products.internText(`p${k}`);

function create() {
  const section = new StateSection("views");
  const views = new RecentViews(section, products, CONFIG);
  views.ensureUsers(4);
  return { section, views };
}

interface View {
  readonly time: number;
  readonly kind: number;
  readonly product: number;
}

/** By the definition, of all views of the user in the order in which they came. */
function expected(views: readonly View[], newest: number): object {
  const recent = views.filter(({ time }) => time > newest - CONFIG.recentMs).reverse();
  const list = recent.toSorted((a, b) => b.time - a.time).slice(0, CONFIG.listMax);
  return {
    views5m: recent.length,
    eventTime: newest,
    recent: list.map(({ time, kind, product }) => [
      time,
      JSON.parse(KINDS[kind].toString()),
      products.text(product),
    ]),
  };
}

function written(views: RecentViews, user: number): object {
  const out = new JsonWriter(new Uint8Array(1));
  views.write(user, KINDS, out);
  return JSON.parse(Buffer.from(out.bytes.subarray(0, out.length)).toString());
}

/**
 * User 0 has a hundred views a second, user 1 twenty, and user 2 hardly any: several thousand, a thousand and
 * a few dozen that are recent. Most are up to two seconds out of order, few much later.
 */
test.each([1, 2, 3])(
  "what a user did of late equals its definition, however many views there are (seed %i)",
  (seed) => {
    const random = seededRandom(seed);
    let { section, views } = create();
    let images = new StateImageWriter([section]);
    let parts = images.capture("full");
    const came: View[][] = [[], [], []];
    const newest = [0, 0, 0];
    let now = 1_700_000_000_000;
    let looks = 0;
    for (let step = 0; step < 40_000; step++) {
      now += random() < 0.0005 ? 70_000 : 8;
      const user = random() < 0.8 ? 0 : random() < 0.99 ? 1 : 2;
      const late = random() < 0.001;
      const time = now - Math.floor(random() * (late ? 50_000 : CONFIG.outOfOrdernessMs));
      const view = { time, kind: step & 1, product: Math.floor(random() * 50) };
      views.add(user, time, view.kind, view.product, late);
      views.noteEvent(user, time);
      came[user].push(view);
      newest[user] = Math.max(newest[user], time);
      if (random() < 0.01) {
        expect(written(views, user)).toEqual(expected(came[user], newest[user]));
        looks++;
      }
      if (random() < 0.001) views.evict(Math.min(...newest.slice(0, 2)) - CONFIG.recentMs, () => undefined);
      if (random() < 0.001) parts.push(...images.capture("delta"));
      if (random() < 0.0002) {
        parts.push(...images.capture("delta"));
        ({ section, views } = create());
        restoreParts([section], parts);
        views.afterRestore();
        images = new StateImageWriter([section]);
        parts = images.capture("full");
      }
    }
    expect(looks).toBeGreaterThan(300);
  },
);

test("views that the ring loses while they are recent are lost for whoever looked before, too", () => {
  const { views } = create();
  const came: View[] = [];
  const add = (time: number): void => {
    views.add(0, time, 0, 1, false);
    views.noteEvent(0, time);
    came.push({ time, kind: 0, product: 1 });
  };
  for (let k = 0; k < 3_000; k++) add(1_000_000 + k);
  expect(written(views, 0)).toEqual(expected(came, 1_002_999));
  add(1_003_000);
  expect(written(views, 0)).toEqual(expected(came, 1_003_000));
  const lost: number[] = [];
  views.evict(1_000_500, (user) => lost.push(user));
  expect(lost).toHaveLength(500);
  expect(written(views, 0)).toEqual(expected(came.slice(500), 1_003_000));
  views.forget(0);
  add(1_003_001);
  expect(written(views, 0)).toEqual(expected(came.slice(-1), 1_003_001));
});

test("a checkpoint has new views without those before them, a full one what the ring still has", () => {
  const { section, views } = create();
  const writer = new StateImageWriter([section]);
  const bytesOf = (kind: "full" | "delta"): number =>
    writer.capture(kind).reduce((sum, part) => sum + part.length, 0);
  const empty = bytesOf("full");
  for (let k = 0; k < 4_000; k++) views.add(k % 4, 1_000_000 + k, 0, 1, false);
  const full = bytesOf("full");
  expect(full).toBeGreaterThan(4_000 * 32);
  views.add(0, 1_004_000, 0, 1, false);
  const delta = bytesOf("delta");
  // Three pages: the view's, the user's chain's and the ring's numbers'.
  expect(delta).toBeLessThan(empty + 3 * 64 * 4);
  views.evict(1_003_900, () => undefined);
  expect(bytesOf("full")).toBeLessThan(empty + (101 + 2 * 8) * 32 + 512);
});
