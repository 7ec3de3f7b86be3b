import { beforeEach, describe, expect, it } from "vitest";
import { OutageWarnings } from "./outage-warnings.ts";

const DOWN = { code: "kafka-unreachable", message: "Kafka is down" };

describe("warnings of an outage", () => {
  let now: number;
  let told: string[];
  let warnings: OutageWarnings;
  beforeEach(() => {
    now = 0;
    told = [];
    warnings = new OutageWarnings(
      ({ message }) => told.push(message),
      () => now,
    );
  });

  function failFor(ms: number, everyMs: number): void {
    for (const end = now + ms; now < end; now += everyMs) warnings.failed(DOWN);
  }

  it("come at its first failure, then every 30 s with the count, and at its end", () => {
    failFor(70_000, 100);
    expect(told).toEqual([
      "Kafka is down",
      "Kafka is down (300 failures in the last 30 s)",
      "Kafka is down (300 failures in the last 30 s)",
    ]);
    now += 15_000;
    warnings.reached();
    warnings.reached();
    expect(told.slice(3)).toEqual(["Kafka is reached again, after failures for 69.9 s"]);
    failFor(200, 100);
    expect(told.slice(4)).toEqual(["Kafka is down"]);
  });

  it("do not alternate where some nodes answer between the failures of another", () => {
    for (; now < 20_000; now += 1000) {
      warnings.failed(DOWN);
      warnings.reached();
    }
    expect(told).toEqual(["Kafka is down"]);
  });

  it("do not come where all is well", () => {
    warnings.reached();
    expect(told).toEqual([]);
  });
});
