import { describe, expect, it } from "vitest";
import { rewriteTime, timeOfLine } from "./ndjson.ts";

const later = (ms: number): number => ms + 1;
const rewritten = (line: string): string => rewriteTime(Buffer.from(line), later).toString();

describe("the event time of a line", () => {
  it("is none where no event may have it", () => {
    expect(timeOfLine(Buffer.from('{"eventTime":253402300799999}'))).toBe(253_402_300_799_999);
    for (const bad of [
      '{"eventTime":253402300800000}',
      '{"eventTime":-1}',
      '{"eventTime":"1"}',
      "{}",
      "no JSON",
    ]) {
      expect(timeOfLine(Buffer.from(bad))).toBeNull();
      expect(rewritten(bad)).toBe(bad);
    }
  });

  it("is rewritten, and nothing else: long numbers, notations, members of that name within others", () => {
    expect(
      rewritten(
        '{ "a":{"eventTime":5},"eventTime" : 1.0e1 ,"trace":12345678901234567890,"price":1.0,"b":["eventTime",1]}',
      ),
    ).toBe(
      '{ "a":{"eventTime":5},"eventTime" : 11 ,"trace":12345678901234567890,"price":1.0,"b":["eventTime",1]}',
    );
    expect(rewritten('{"note":"\\"eventTime\\":7","event\\u0054ime":1}')).toBe(
      '{"note":"\\"eventTime\\":7","event\\u0054ime":2}',
    );
    expect(rewritten('{"eventTime":1,"eventTime":5}')).toBe('{"eventTime":6,"eventTime":6}');
  });

  it("is rewritten in a line that is refused for what else it has, which it keeps", () => {
    const line = Buffer.concat([
      Buffer.from('{"eventTime":1,"userId":"'),
      Buffer.of(0xff),
      Buffer.from('"}'),
    ]);
    const expected = Buffer.concat([
      Buffer.from('{"eventTime":2,"userId":"'),
      Buffer.of(0xff),
      Buffer.from('"}'),
    ]);
    expect(rewriteTime(line, later)).toEqual(expected);
  });
});
