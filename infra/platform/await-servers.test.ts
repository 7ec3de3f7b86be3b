import { describe, expect, test } from "vitest";
import { MillraceError } from "../../schema/index.ts";
import { awaitServers } from "./await-servers.ts";

const down = (server: string) =>
  new MillraceError(`${server} does not answer`, { code: "down", origin: "external", retry: true });
const wrongPassword = new MillraceError("wrong password: set it", { code: "denied", origin: "user" });

describe("waiting for servers at the start", () => {
  const said: string[] = [];
  const logger = {
    info: () => undefined,
    warn: (_: object, text: string) => void said.push(text),
    error: () => undefined,
  };
  /** Every wait passes at once, so that only their number counts. */
  function options(waitMsMax: number) {
    let now = 0;
    return {
      logger,
      clock: () => now,
      random: () => 0,
      waitMsMax,
      async sleep(ms: number) {
        now += ms;
      },
    };
  }

  test("goes on when one that was down has come up, and says meanwhile what it waits for", async () => {
    said.length = 0;
    let failures = 3;
    const late = {
      server: "Kafka",
      run: async () => {
        if (failures-- > 0) throw down("Kafka");
      },
    };
    await awaitServers([late, { server: "MinIO", run: async () => undefined }], options(60_000));
    expect(said).toEqual(Array(3).fill("waiting for Kafka: Kafka does not answer"));
  });

  test("fails with all problems at once: one that does not pass is not tried again, one that is down until its time is over", async () => {
    let tries = 0;
    const denied = {
      server: "Redis",
      run: async () => {
        tries += 1;
        throw wrongPassword;
      },
    };
    let attempts = 0;
    const gone = {
      server: "Kafka",
      run: async () => {
        attempts += 1;
        throw down("Kafka");
      },
    };
    const outcome = awaitServers([gone, denied], options(60_000));
    await expect(outcome).rejects.toMatchObject({
      code: "server-check-failed",
      retry: false,
      message: expect.stringMatching(
        /- Kafka: Kafka does not answer\n.*- Redis: wrong password: set it/s,
      ) as string,
    });
    expect(tries).toBe(1);
    // Doubling waits from an eighth of a second up to two and a half: no busy loop within the minute.
    expect(attempts).toBeLessThan(35);
    expect(attempts).toBeGreaterThan(10);
  });

  test("where everything may pass, so may the failure: whoever restarts the process has the next try", async () => {
    await expect(
      awaitServers([{ server: "Kafka", run: () => Promise.reject(down("Kafka")) }], options(1_000)),
    ).rejects.toMatchObject({ retry: true });
  });
});
