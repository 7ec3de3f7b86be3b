import { describe, expect, it } from "vitest";
import { minorUnits, secondsToMs, usTime, utcTime, wholeNumber } from "./field-values.ts";

describe("field values", () => {
  it("reads amounts exactly, where a product of doubles would not", () => {
    expect(minorUnits("35.79")).toBe(3579);
    expect(minorUnits("1.005")).toBe(101);
    expect(minorUnits("1.0049999")).toBe(100);
    expect(minorUnits("0.1")).toBe(10);
    expect(minorUnits("543")).toBe(54_300);
    expect(minorUnits("0.999")).toBe(100);
    for (let minor = 0; minor < 30_000; minor++) {
      expect(minorUnits(`${Math.floor(minor / 100)}.${String(minor % 100).padStart(2, "0")}`)).toBe(minor);
    }
    for (const bad of ["", "-1", "1e3", "NaN", "1,5", ".5", "99999999999999999"])
      expect(minorUnits(bad)).toBeNull();
  });

  it("reads times as UTC and refuses days that do not exist", () => {
    expect(utcTime("2019-10-01 00:00:01 UTC")).toBe(Date.UTC(2019, 9, 1, 0, 0, 1));
    expect(utcTime("2014-04-07T10:51:09.277Z")).toBe(Date.UTC(2014, 3, 7, 10, 51, 9, 277));
    expect(usTime("12/1/2010 8:26")).toBe(Date.UTC(2010, 11, 1, 8, 26));
    expect(utcTime("0099-02-01 00:00:00")).toBe(Date.parse("0099-02-01T00:00:00Z"));
    expect(secondsToMs("1396437466.94")).toBe(1_396_437_466_940);
    for (const bad of ["2019-02-30 00:00:00", "2019-10-01 24:00:00", "soon", "2019-10-01"]) {
      expect(utcTime(bad)).toBeNull();
    }
    expect(wholeNumber("-12")).toBe(-12);
    expect(wholeNumber("1.5")).toBeNull();
  });
});
