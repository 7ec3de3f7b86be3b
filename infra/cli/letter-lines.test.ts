import { describe, expect, it } from "vitest";
import type { DeadLetter } from "../../stream/index.ts";
import { letterLine, requestOfLine } from "./letter-lines.ts";

function letterOf(bytes: Buffer, recordBytes = bytes.length): DeadLetter {
  return {
    ...{
      topic: "orders",
      partition: 1,
      offset: 12,
      receivedTime: 5,
      reason: "wrong-type",
      field: "totalMinor",
    },
    ...{ detail: "expected a number", bytes, recordBytes },
  };
}

describe("a line of a letter", () => {
  it.each<[string, Buffer]>([
    [
      "an object, digits beyond a double and odd escapes included",
      Buffer.from('{"a":12345678901234567890,"b":1e400,"c":1.50,"d":"\\u00fc"}'),
    ],
    ["text that is no JSON", Buffer.from('{"a":"line 1\nline 2')],
    ["JSON that is no object", Buffer.from("[1,2]")],
    ["no text", Buffer.of(0, 0, 0, 0, 2, 0xff)],
    ["nothing", Buffer.alloc(0)],
  ])("sends the same bytes again where nobody edited it: %s", (_, bytes) => {
    const line = letterLine(letterOf(bytes));
    expect(line).not.toContain("\n");
    const request = requestOfLine(Buffer.from(line));
    const sent = "payload" in request && request.payload !== null ? Buffer.from(request.payload) : null;
    // Written anew a text has no escapes that it need not have; its value is the same.
    expect(sent?.toString().replace("ü", "\\u00fc")).toBe(bytes.toString());
    expect(request).toMatchObject({ id: "orders-1-12" });
  });

  it("has the event of a record of several lines on one, and reads as JSON", () => {
    const event = { eventId: "e1", lines: [{ productId: "p1" }] };
    const line = letterLine(letterOf(Buffer.from(JSON.stringify(event, null, 2))));
    expect(JSON.parse(line)).toEqual({
      ...{ id: "orders-1-12", reason: "wrong-type", field: "totalMinor", message: "expected a number" },
      payload: event,
    });
    expect(line).not.toContain("\n");
  });

  it("says that it is only a beginning", () => {
    expect(JSON.parse(letterLine(letterOf(Buffer.from('{"a":'), 70_000)))).toMatchObject({
      ...{ isCut: true, bytes: 70_000, payload: '{"a":' },
    });
  });

  it("without a payload sends what was received", () => {
    expect(requestOfLine(Buffer.from('{"id":"orders-1-12"}'))).toEqual({ id: "orders-1-12", payload: null });
  });

  it.each([
    ["{", /no JSON/],
    ['"x"', /expected an object/],
    ['{"payload":{}}', /no id/],
    ['{"id":"a","payload":{},"payloadBase64":""}', /both/],
    ['{"id":"a","payloadBase64":1}', /no text/],
  ])("that is none says why: %s", (line, why) => {
    expect(requestOfLine(Buffer.from(line))).toEqual({
      reason: "invalid-line",
      detail: expect.stringMatching(why) as string,
    });
  });
});
