import { describe, expect, it } from "vitest";
import { SeededRandom } from "../random.ts";
import { type EventPlaces, placesOfJson, placesOfLines } from "./event-places.ts";

const textsOf = (bytes: Buffer, { starts, ends }: EventPlaces) =>
  starts.map((start, i) => bytes.subarray(start, ends[i]).toString());
const ofJson = (text: string) => textsOf(Buffer.from(text), placesOfJson(Buffer.from(text)));
const ofLines = (text: string) => textsOf(Buffer.from(text), placesOfLines(Buffer.from(text)));

describe("places of events", () => {
  it("are the lines, without empty ones, line ends and a byte order mark", () => {
    expect(ofLines('\ufeff{"a":1}\r\n\n\r\n{"b":"ü"}\n{"c":3}')).toEqual(['{"a":1}', '{"b":"ü"}', '{"c":3}']);
    expect(ofLines("\n\r\n")).toEqual([]);
    expect(ofLines("")).toEqual([]);
  });

  it("are the elements of an array, or the one value that the text is", () => {
    expect(ofJson('[{"a":[1,2]},{"b":"],}\\"["}]')).toEqual(['{"a":[1,2]}', '{"b":"],}\\"["}']);
    expect(ofJson(' {"a": 1,\n"b": 2} ')).toEqual(['{"a": 1,\n"b": 2} ']);
    expect(ofJson("\ufeff[1]")).toEqual(["1"]);
    for (const none of ["", " ", "[]", " [ \n] "]) expect(ofJson(none), none).toEqual([]);
  });

  it("leave an element that is no JSON to its reader, beside the others", () => {
    expect(ofJson('[{"a":1},{b:2},,"x" 1,{"c":3},]')).toEqual([
      '{"a":1}',
      "{b:2}",
      "",
      '"x" 1',
      '{"c":3}',
      "",
    ]);
    expect(ofJson('[{"a":1]]')).toEqual(['{"a":1]']);
  });

  it("are none of an array that is cut off, or that something follows", () => {
    for (const cut of ["[", '[{"a":1}', '[{"a":1},{"b', '["\\"]', '[{"a":"\\'])
      expect(() => ofJson(cut), cut).toThrow(/does not end/);
    for (const more of ["[1] 2", "[1][2]", '[{"a":1]}]']) expect(() => ofJson(more), more).toThrow(/at byte/);
  });

  it("are ten thousand at most", () => {
    expect(ofLines("1\n".repeat(10_000))).toHaveLength(10_000);
    expect(ofJson(`[${"1,".repeat(9_999)}1]`)).toHaveLength(10_000);
    expect(() => ofLines("1\n".repeat(10_001))).toThrow(/more than 10,000 events/);
    expect(() => ofJson(`[${"1,".repeat(10_000)}1]`)).toThrow(/more than 10,000 events/);
  });

  it("are what JSON.parse finds in 2,000 random arrays, spaced at random", () => {
    const random = new SeededRandom(7);
    const space = () => [..." \n\t\r"].filter(() => random.unit() < 0.2).join("");
    const textOf = (depth: number): string => {
      const kind = Math.floor(random.unit() * (depth > 3 ? 4 : 6));
      if (kind === 0) return String(Math.floor(random.unit() * 1e6));
      if (kind === 1) return ["true", "false", "null"][Math.floor(random.unit() * 3)];
      if (kind < 4)
        return JSON.stringify(
          Array.from({ length: 6 }, () => '"\\[]{},üa\n\u2028'[Math.floor(random.unit() * 11)]).join(""),
        );
      const parts = Array.from({ length: Math.floor(random.unit() * 4) }, (_, i) => {
        const value = space() + textOf(depth + 1) + space();
        return kind === 4 ? value : `${space()}"k${i}"${space()}:${value}`;
      });
      return kind === 4 ? `[${parts.join(",")}]` : `{${parts.join(",")}}`;
    };
    for (let i = 0; i < 2_000; i++) {
      const values = Array.from({ length: Math.floor(random.unit() * 5) }, () => textOf(0));
      const text = `${space()}[${values.map((value) => space() + value + space()).join(",")}${space()}]${space()}`;
      expect(ofJson(text).map((each) => JSON.parse(each))).toEqual(JSON.parse(text));
    }
  });
});
