import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { S3ObjectStore } from "./index.ts";

/** A store of which a test says what the next deletes of many keys answer: an error of one key, or null for none. */
describe("an S3 store that deletes some of many keys", () => {
  let server: Server;
  let store: S3ObjectStore;
  let answers: (string | null)[];
  let requests: number;
  beforeEach(async () => {
    requests = 0;
    server = createServer((request, response) => {
      request.resume();
      request.on("end", () => {
        const code = answers[Math.min(requests++, answers.length - 1)];
        const error =
          code === null ? "" : `<Error><Key>a</Key><Code>${code}</Code><Message>.</Message></Error>`;
        response.setHeader("content-type", "application/xml");
        response.end(`<?xml version="1.0"?><DeleteResult>${error}</DeleteResult>`);
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    store = new S3ObjectStore({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: "us-east-1",
      bucket: "b",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
      sleep: () => Promise.resolve(),
      random: () => 0.5,
    });
  });
  afterEach(async () => {
    await store.close();
    server.close();
  });

  it.each(["InternalError", "ServiceUnavailable", "ServerBusy", "SlowDown"])(
    "asks again where it says %s of one",
    async (code) => {
      answers = [code, code, null];
      await store.delete(["a", "b"]);
      expect(requests).toBe(3);
      answers = [code];
      await expect(store.delete(["a"])).rejects.toMatchObject({
        code: "object-store-unavailable",
        origin: "external",
        retry: true,
      });
    },
  );

  it("passes a refusal of one key on at once, and takes a key that is gone for deleted", async () => {
    answers = ["AccessDenied"];
    await expect(store.delete(["a"])).rejects.toMatchObject({ code: "object-store-access-denied" });
    expect(requests).toBe(1);
    answers = ["NoSuchKey"];
    await store.delete(["a"]);
  });
});
