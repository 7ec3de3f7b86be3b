import { expect, test } from "vitest";
import { avroSchemaOf, MillraceError, productContract } from "../../schema/index.ts";
import { RegistrySchemas } from "./registry-schemas.ts";

const registered = { schema: JSON.stringify(avroSchemaOf(productContract)), schemaType: "AVRO" };
const down = () =>
  new MillraceError("down", { code: "registry-unreachable", origin: "external", retry: true });

let now = 0;

function schemasWith(schemaOf: (id: number) => Promise<typeof registered | null>) {
  const asked: number[] = [];
  const waits: number[] = [];
  const schemas = new RegistrySchemas({
    registry: {
      schemaOf: (id) => {
        asked.push(id);
        return schemaOf(id);
      },
    },
    sleep: async (ms) => void waits.push(ms),
    random: () => 1,
    clock: () => now,
    warn: () => undefined,
  });
  return { schemas, asked, waits };
}

test("an id is asked for once, by however many readers at the same time", async () => {
  const { schemas, asked } = schemasWith(async () => registered);
  await Promise.all([schemas.resolve([5, 6]), schemas.resolve([6, 5])]);
  await schemas.resolve([5, 6]);
  expect(asked).toEqual([5, 6]);
  expect(schemas.schemas.get(5)?.contract).toBe("product");
});

test("a registry that is down is asked again with growing waits, then the error is passed on", async () => {
  let failures = 2;
  const passing = schemasWith(async () => (failures-- > 0 ? Promise.reject(down()) : registered));
  await passing.schemas.resolve([5]);
  expect(passing.waits).toEqual([200, 400]);
  const staying = schemasWith(() => Promise.reject(down()));
  await expect(staying.schemas.resolve([5])).rejects.toThrow("down");
  expect(staying.asked).toHaveLength(6);
  expect(staying.schemas.schemas.has(5)).toBe(false);
});

test("damaged records make a bounded number of requests and of kept ids, and evict no schema", async () => {
  const { schemas, asked } = schemasWith(async (id) => (id === 1 ? registered : null));
  await schemas.resolve([1]);
  for (let batch = 0; batch < 20; batch++) {
    await schemas.resolve(Array.from({ length: 400 }, (_, i) => 10 + batch * 400 + i));
  }
  expect(asked).toHaveLength(1 + 20 * 100);
  expect(schemas.schemas.size).toBe(1000);
  expect(schemas.schemas.get(1)?.contract).toBe("product");
});

test("an id that the registry did not know is asked for again after a minute: it may be registered by then", async () => {
  let isRegistered = false;
  const { schemas, asked } = schemasWith(async () => (isRegistered ? registered : null));
  await schemas.resolve([5]);
  isRegistered = true;
  now += 59_999;
  await schemas.resolve([5]);
  expect(schemas.schemas.get(5)).toBeNull();
  now += 1;
  expect(schemas.schemas.has(5)).toBe(false);
  await schemas.resolve([5]);
  expect(schemas.schemas.get(5)?.contract).toBe("product");
  now += 1e9;
  await schemas.resolve([5]);
  expect(asked).toEqual([5, 5]);
});
