import { describe, expect, it } from "vitest";
import { KeyDictionary, PAGE_ELEMENTS, StateSection } from "../../schema/index.ts";
import { stateBytesBySection } from "./state-bytes.ts";

describe("the memory of state", () => {
  it("is told by section, with what is in reserve", () => {
    const totals = new StateSection("totals");
    totals.float64("sums").ensure(PAGE_ELEMENTS + 1);
    const keys = new StateSection("keys");
    const dictionary = keys.dictionary(new KeyDictionary("userId"));
    const empty = stateBytesBySection([keys]).keys;
    for (let i = 0; i < 10_000; i++) dictionary.internText(`user-${i}`);
    const bytes = stateBytesBySection([totals, keys]);
    expect(Object.keys(bytes)).toEqual(["totals", "keys"]);
    // Arrays grow by doubling: two pages of eight bytes an element, and a mark for each page.
    expect(bytes.totals).toBe(2 * PAGE_ELEMENTS * 8 + 2);
    // At least the text of "user-1000", its end, and sixteen bytes in the index for each key.
    expect(bytes.keys).toBeGreaterThan(empty + 9_000 * (9 + 4 + 16));
  });
});
