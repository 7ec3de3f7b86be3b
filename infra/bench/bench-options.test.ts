import { CommanderError } from "commander";
import { describe, expect, test, vi } from "vitest";
import { parseBenchOptions } from "./bench-options.ts";

const parse = (line: string) => parseBenchOptions(line.split(" ").filter((word) => word !== ""));

describe("options of the bench", () => {
  test("measure the reference job of the embedded mode unless told otherwise", () => {
    expect(parse("")).toMatchObject({
      mode: "embedded",
      subject: "reference job",
      events: 4_000_000,
      parts: ["reference"],
      workers: [1],
      runs: 1,
    });
    expect(parse("--workers 2").workers).toEqual([2]);
  });

  test("run what the reference job is defined by, and what a platform runs for everything else", () => {
    expect(parse("--mode distributed").parts).toEqual(["reference"]);
    for (const subject of ["--flat", "--latency", "--mode distributed --recovery"])
      expect(parse(subject).parts).toEqual(["all"]);
    expect(parse("--parts detectors,all").parts).toEqual(["detectors", "all"]);
  });

  test("run the distributed reference job with one and with two workers, the others with what they need", () => {
    expect(parse("--mode distributed")).toMatchObject({ workers: [1, 2], partitions: 4, codec: "zstd" });
    expect(parse("--mode distributed --latency")).toMatchObject({
      subject: "latency",
      workers: [1],
      rate: 20_000,
      warmUpSeconds: 40,
    });
    expect(parse("--mode distributed --latency --warm-up-seconds 5").warmUpSeconds).toBe(5);
    expect(parse("--mode distributed --recovery")).toMatchObject({
      subject: "recovery",
      workers: [2],
      kills: 20,
    });
    expect(parse("--mode distributed --workers 1,2,4 --codec none")).toMatchObject({
      workers: [1, 2, 4],
      codec: "none",
    });
  });

  test.each([
    ["--recovery", "--recovery is of --mode distributed"],
    ["--workers 1,2", "only the distributed reference job takes several --workers"],
    ["--mode distributed --flat", "--flat is of --mode embedded"],
    ["--mode distributed --home /tmp/x", "--home is of --mode embedded"],
    ["--mode distributed --parts reference,all", "only the embedded reference job takes several --parts"],
    ["--parts all,some", "It must be a list of reference, detectors, all."],
    ["--latency --parts reference,all", "only the embedded reference job takes several --parts"],
    ["--users 1000001", "It must be a whole number from 1 to 1000000."],
    ["--mode distributed --no-stages", "--no-stages is of --mode embedded"],
    ["--mode distributed --workers 1,none", "It must be a whole number from 1 on."],
    ["--mode distributed --workers 8", "more --workers than --partitions"],
    ["--mode distributed --recovery --workers 1", "somebody has to take over"],
    ["--mode distributed --latency --workers 1,2", "takes several --workers"],
    ["--mode distributed --latency --recovery", "cannot be used with"],
  ])("refuse %s", (line, why) => {
    const told = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    try {
      expect(() => parse(line)).toThrow(CommanderError);
      expect(told.mock.calls.join("")).toContain(why);
    } finally {
      told.mockRestore();
    }
  });
});
