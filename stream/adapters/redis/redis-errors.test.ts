import { expect, it } from "vitest";
import { hotStoreError } from "./redis-errors.ts";

it.each([
  "Socket timeout. Expecting data, but didn't receive any in 5000ms.",
  "Command timed out",
  "connect ECONNREFUSED 127.0.0.1:6379",
  "Connection is closed.",
])("of a server that hangs or is gone (%s) says that it does not answer", (message) => {
  const error = hotStoreError(new Error(message), { server: "redis:6379", connection: null });
  expect(error).toMatchObject({ code: "hot-store-unreachable", origin: "external", retry: true });
  expect(error.message).toContain("check that it runs");
});
