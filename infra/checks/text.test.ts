import { describe, expect, test } from "vitest";
import { readRepository } from "./source-file.ts";
import { lengthViolations, machineViolations, suppressionViolations } from "./text.ts";

test("no source is longer than 500 lines", () => {
  expect(readRepository().flatMap(lengthViolations)).toEqual([]);
});

test("the type checker is nowhere switched off", () => {
  expect(readRepository().flatMap(suppressionViolations)).toEqual([]);
});

test("no committed text names a folder of one machine or a package registry", () => {
  expect(readRepository().flatMap(machineViolations)).toEqual([]);
});

describe("a planted violation is caught:", () => {
  test("a long source", () => {
    expect(lengthViolations({ path: "ml/a.ts", text: "\n".repeat(500) })).toEqual([]);
    expect(lengthViolations({ path: "ml/a.ts", text: "\n".repeat(501) })).toHaveLength(1);
    expect(lengthViolations({ path: "schema/events/generated/a.ts", text: "\n".repeat(501) })).toEqual([]);
  });

  test.each(["ignore", "nocheck", "expect-error"])("ts-%s", (name) => {
    expect(suppressionViolations({ path: "ml/a.ts", text: `\n  // @ts-${name} why` })).toHaveLength(1);
  });

  // Put together here, since this text is checked as well.
  test.each([
    ["a home folder", ["", "home", "ada", "data"].join("/")],
    ["a home folder in a text", `"${["", "Users", "ada"].join("/")}"`],
    ["a folder of a work place", `cd ${["", "work", "main"].join("/")}`],
    ["a hidden folder outside", ["..", "..", ".library"].join("/")],
    ["a package registry", `"resolved": "${["https:", "", "registry.npmjs.org", "a"].join("/")}"`],
    ["a mirror", ["http:", "", "pypi.local:80", "simple"].join("/")],
  ])("%s", (_, text) => {
    const found = machineViolations({ path: "README.md", text: `one\n${text}\n` });
    expect(found).toEqual([expect.stringMatching(/^README\.md:2: names /)]);
  });

  test("but not the product's own paths and addresses", () => {
    const text =
      "/app/dist ../shared/data ~/.cache/millrace http://127.0.0.1:4000/graphiql ../../.. a/work/b";
    expect(machineViolations({ path: "README.md", text })).toEqual([]);
  });
});
