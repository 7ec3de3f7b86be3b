import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { crashPoint } from "./crash-point.ts";

const MODULE = fileURLToPath(new URL("./crash-point.ts", import.meta.url));
const PROGRAM = `
  import { crashPoint } from ${JSON.stringify(MODULE)};
  import { writeSync } from "node:fs";
  const onPoint = crashPoint(process.argv[1]);
  for (const point of ["before-stage", "publish:gold.a", "publish:gold.b", "after-stage", "before-stage"]) {
    onPoint(point);
    writeSync(1, point + " ");
  }
`;

/** The points that a process got past, and the signal that ended it. */
function run(setting: string) {
  const { stdout, signal } = spawnSync(process.execPath, ["--input-type=module", "-e", PROGRAM, setting], {
    encoding: "utf8",
  });
  return { passed: stdout.trim().split(" ").filter(Boolean), signal };
}

test("without a setting nothing is killed", () => {
  for (const setting of [undefined, ""]) expect(() => crashPoint(setting)("before-stage")).not.toThrow();
  expect(run("elsewhere")).toMatchObject({ passed: { length: 5 }, signal: null });
});

test("the process is killed at the point, and nothing happens behind it", () => {
  expect(run("after-stage")).toEqual({
    passed: ["before-stage", "publish:gold.a", "publish:gold.b"],
    signal: "SIGKILL",
  });
});

test("a pattern means every point that begins so, a number the n-th time", () => {
  expect(run("publish:*")).toEqual({ passed: ["before-stage"], signal: "SIGKILL" });
  expect(run("publish:*#2").passed).toEqual(["before-stage", "publish:gold.a"]);
  expect(run("before-stage#2")).toMatchObject({ passed: { length: 4 }, signal: "SIGKILL" });
  expect(run("before-stage#3")).toMatchObject({ passed: { length: 5 }, signal: null });
});
