import avro from "avsc";
import { beforeAll, describe, expect, test } from "vitest";
import { recordBatch, rows } from "../../schema/events/decoder/test-records.ts";
import {
  avroSchemaOf,
  contractVersions,
  createDecoder,
  type EventContract,
  encodeAvro,
  inventoryUpdateContract,
  productContract,
} from "../../schema/index.ts";
import { testServer, uniqueName } from "../servers/test-servers.ts";
import { COMPATIBILITY, checkContracts, registerContracts, subjectOf } from "./contract-subjects.ts";
import { RegistrySchemas } from "./registry-schemas.ts";
import { SchemaRegistry } from "./schema-registry.ts";

let url: string;
let registry: SchemaRegistry;
const prefix = `${uniqueName("schemas")}.`;
const noCredentials = { schemaRegistryUsername: "", schemaRegistryPassword: "", schemaRegistryToken: "" };

function schemasOf(warnings: string[] = []): RegistrySchemas {
  return new RegistrySchemas({
    registry,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random: () => 0,
    clock: Date.now,
    warn: (message) => warnings.push(message),
  });
}

beforeAll(async () => {
  ({ url } = await testServer("registry"));
  registry = new SchemaRegistry({ schemaRegistryUrl: `${url}/`, ...noCredentials });
}, 300_000);

describe("contracts at a registry", () => {
  test("are registered once, with transitive backward compatibility, and checked", async () => {
    const before = await checkContracts(registry, contractVersions, prefix);
    expect(before.every(({ id, problem }) => id === null && /not registered/.test(String(problem)))).toBe(
      true,
    );
    const first = await registerContracts(registry, contractVersions, prefix);
    expect(first.every(({ isNew, problem }) => isNew && problem === null)).toBe(true);
    const again = await registerContracts(registry, contractVersions, prefix);
    expect(again).toEqual(first.map((result) => ({ ...result, isNew: false })));
    expect(await checkContracts(registry, contractVersions, prefix)).toEqual(again);
    expect(await registry.compatibility(subjectOf(productContract, prefix))).toBe(COMPATIBILITY);
    expect(new Set(first.map(({ id }) => id)).size).toBe(contractVersions.length);
  });

  test("that break readers are refused with what breaks them, and the subject stays as it was", async () => {
    const [id, ...fields] = productContract.fields;
    const [, second] = fields;
    const broken: EventContract = {
      ...productContract,
      version: 2,
      fields: [
        id,
        ...fields,
        { ...second, name: "madeIn", column: "made_in", type: "string", nullable: false },
      ],
    };
    const results = await registerContracts(registry, [...contractVersions, broken], prefix);
    const refused = results.filter(({ problem }) => problem !== null);
    expect(refused).toEqual([expect.objectContaining({ contract: "product", version: 2, id: null })]);
    expect(refused[0].problem).toMatch(
      /refused as incompatible: madeIn is new and required: make it nullable/,
    );
    expect(
      (await checkContracts(registry, contractVersions, prefix)).every(({ problem }) => problem === null),
    ).toBe(true);
  });
});

describe("records with the registry's ids", () => {
  const event = {
    eventId: "e1",
    productId: "p1",
    updateTime: 1_000_000,
    warehouseId: "w1",
    kind: "delta",
    quantity: -3,
  } as const;

  test("are decoded: ours, an unknown id, and a version that another team has registered", async () => {
    const registered = await registerContracts(registry, contractVersions, prefix);
    const ours = Number(registered.find(({ contract }) => contract === "inventory-update")?.id);
    const foreign = Number(registered.find(({ contract }) => contract === "customer-event")?.id);
    const newer = avroSchemaOf(inventoryUpdateContract) as { fields: object[] };
    const schema = {
      ...newer,
      fields: [{ name: "batch", type: ["null", "long"], default: null }, ...newer.fields],
    };
    const subject = subjectOf(inventoryUpdateContract, prefix);
    const theirs = await registry.register(subject, schema);
    const body = avro.Type.forSchema(schema as never).toBuffer({
      ...event,
      batch: 7,
      reason: null,
      reorderPoint: null,
    });
    const frame = Uint8Array.from([
      ...encodeAvro(inventoryUpdateContract, event, theirs).subarray(0, 5),
      ...body,
    ]);

    // The same record under another subject and namespace: an id that is none of the contracts' own.
    const namespace = uniqueName("shop").replaceAll("-", "_");
    const elsewhere = await registry.register(`${prefix}elsewhere`, { ...newer, namespace });
    expect(elsewhere).toBeGreaterThan(contractVersions.length);

    const warnings: string[] = [];
    const schemas = schemasOf(warnings);
    const absent = 999_999;
    await schemas.resolve([ours, elsewhere, foreign, theirs, absent]);
    const decoder = createDecoder(inventoryUpdateContract, { schemas: schemas.schemas });
    const batch = decoder.decode(
      recordBatch([
        encodeAvro(inventoryUpdateContract, event, ours),
        encodeAvro(inventoryUpdateContract, event, elsewhere),
        frame,
        encodeAvro(inventoryUpdateContract, event, foreign),
        encodeAvro(inventoryUpdateContract, event, absent),
      ]),
      0,
      5,
    );
    expect(rows(batch)).toEqual(new Array(3).fill(expect.objectContaining(event)));
    expect(decoder.refusals.map(({ reason, detail }) => `${reason}: ${detail}`)).toEqual([
      `unknown-schema: schema id ${foreign} is millrace.events.CustomerEvent, not inventory-update`,
      `unknown-schema: schema id ${absent} is not known`,
    ]);
    expect(warnings).toEqual([expect.stringContaining(`schema id ${absent} is not in the schema registry`)]);
  });
});

describe("a registry that cannot be used", () => {
  test("because it does not run: what may pass, with what to check", async () => {
    const gone = new SchemaRegistry({ schemaRegistryUrl: "http://127.0.0.1:9", ...noCredentials });
    await expect(gone.schemaOf(1)).rejects.toMatchObject({
      code: "registry-unreachable",
      retry: true,
      message: expect.stringContaining("check that it runs"),
    });
  });

  test("because the address is another's: what to change", async () => {
    const wrong = new SchemaRegistry({ schemaRegistryUrl: new URL("/nowhere", url).href, ...noCredentials });
    await expect(wrong.schemaOf(1)).rejects.toMatchObject({ code: "registry-address", retry: false });
  });
});
