import { beforeEach, describe, expect, test } from "vitest";
import { GIVE_WAY_MS_MAX, GivingWay } from "./giving-way.ts";

class Share {
  /** Until when it gives way; 0 where it does not. */
  until = 0;

  giveWay(until: number): void {
    this.until = until;
  }
}

describe("shares of one process", () => {
  const LIMIT = 1000 + GIVE_WAY_MS_MAX;
  let nowMs: number;
  let givingWay: GivingWay<Share>;
  let own: Share;
  let taken: Share;
  beforeEach(() => {
    nowMs = 0;
    [own, taken] = [new Share(), new Share()];
    givingWay = new GivingWay(() => nowMs);
    givingWay.changeTo([own]);
    givingWay.caughtUp(own);
    nowMs = 1000;
  });

  test("give way to one that begins until it has caught up", () => {
    givingWay.changeTo([own, taken]);
    expect([own.until, taken.until]).toEqual([LIMIT, 0]);
    givingWay.caughtUp(taken);
    expect([own.until, taken.until]).toEqual([0, 0]);
  });

  test("go on at once where what they gave way to has gone before it caught up", () => {
    givingWay.changeTo([own, taken]);
    givingWay.changeTo([own]);
    expect(own.until).toBe(0);
  });

  test("do not give way to each other while both are behind, and the others do to the last of them", () => {
    const third = new Share();
    givingWay.changeTo([own, taken]);
    givingWay.changeTo([own, taken, third]);
    expect([own.until, taken.until, third.until]).toEqual([LIMIT, 0, 0]);
    givingWay.caughtUp(taken);
    expect([own.until, taken.until, third.until]).toEqual([LIMIT, LIMIT, 0]);
    givingWay.caughtUp(third);
    expect([own.until, taken.until, third.until]).toEqual([0, 0, 0]);
  });

  test("take no notice of one that catches up again", () => {
    givingWay.changeTo([own, taken]);
    givingWay.caughtUp(own);
    expect(own.until).toBe(LIMIT);
  });

  test("give way no longer for a change in which nothing begins", () => {
    const third = new Share();
    givingWay.changeTo([own, taken, third]);
    nowMs = 9000;
    givingWay.changeTo([own, taken]);
    expect([own.until, taken.until]).toEqual([LIMIT, 0]);
  });
});
