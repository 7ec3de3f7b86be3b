import { expect, test } from "vitest";
import { StateSection } from "../../schema/index.ts";
import { StateImageWriter } from "../runtime/state-image.ts";
import { restoreParts } from "../runtime/testing/restore-parts.ts";
import { UserPanes } from "./user-panes.ts";

/** More places than a page of their array holds. */
const CONFIG = { windowMs: 60_000, advanceMs: 1_000, liveMs: 40_000 };

function create() {
  const section = new StateSection("panes");
  const panes = new UserPanes(section, CONFIG);
  const count = (user: number, pane: number): void => {
    const place = panes.openPane(pane);
    panes.counts.ensure((user + 1) * panes.places);
    if (panes.counts.values[user * panes.places + place]++ === 0) panes.addUser(place, user);
    panes.counts.mark(user * panes.places + place);
  };
  return { section, panes, count };
}

test("a delta holds what changed of any pane since the image before", () => {
  const { section, panes, count } = create();
  const writer = new StateImageWriter([section]);
  for (let pane = 0; pane < panes.places; pane++) count(0, pane);
  const images = [...writer.capture("full")];
  for (let pane = 0; pane < panes.places; pane += 7) count(1, pane);
  panes.dropBefore(62_000);
  images.push(...writer.capture("delta"));
  const restored = create();
  restoreParts([restored.section], images);
  for (const [i, array] of section.arrays.entries()) {
    const { values, length } = restored.section.arrays[i];
    expect([array.name, values.slice(0, length)]).toEqual([array.name, array.values.slice(0, array.length)]);
  }
});
