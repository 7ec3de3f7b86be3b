import { type AvroRecordSchema, contractFromAvro, typeName } from "./avro-schema.ts";
import type { ContractField, EventContract } from "./contract.ts";
import { renderUsualReader } from "./render-reader.ts";

export interface GeneratedFile {
  readonly name: string;
  readonly text: string;
}

const HEADER = "// Written by schema/events/generate.ts from the .avsc files: do not edit.\n";

const JSON_TYPES: Record<ContractField["type"], string> = {
  string: "string",
  enum: "string",
  json: "JsonStructure",
  int: "number",
  long: "number",
  double: "number",
  boolean: "boolean",
  timestamp: "number",
};

const COLUMN_TYPES: Record<ContractField["type"], string> = {
  string: "TextColumn",
  enum: "EnumColumn",
  json: "TextColumn",
  int: "Int32Column",
  long: "Float64Column",
  double: "Float64Column",
  boolean: "BooleanColumn",
  timestamp: "Float64Column",
};

/** Names that a batch has for itself. */
const RESERVED = new Set("contract topic partition length offset ingestedAt columns flags extra".split(" "));

/** One file per contract (all its versions, types of the newest) and an index. */
export function renderContracts(schemas: readonly AvroRecordSchema[]): GeneratedFile[] {
  schemas.forEach((schema, index) => {
    if (schema["millrace.schemaId"] !== index + 1) {
      throw new Error(
        `${schema["millrace.contract"]}.v${schema["millrace.version"]} has schema id ${schema["millrace.schemaId"]}; ` +
          `ids are 1, 2, 3, … without holes, and ${index + 1} is missing or used twice`,
      );
    }
  });
  const versions = schemas.map(contractFromAvro);
  const names = [...new Set(versions.map((contract) => contract.name))];
  const files = names.map((name) => renderContract(versions.filter((contract) => contract.name === name)));
  const newest = names.map(
    (name) =>
      versions
        .filter((contract) => contract.name === name)
        .sort(byVersion)
        .at(-1)!,
  );
  return [...files, ...newest.map(renderReaderFile), renderIndex(versions, newest)];
}

function byVersion(a: EventContract, b: EventContract): number {
  return a.version - b.version;
}

function renderReaderFile(contract: EventContract): GeneratedFile {
  const imports = 'import type { JsonReader } from "../decoder/json-reader.ts";\n';
  return { name: `${contract.name}.reader.ts`, text: `${HEADER}${imports}\n${renderUsualReader(contract)}` };
}

function renderContract(unordered: readonly EventContract[]): GeneratedFile {
  const versions = [...unordered].sort(byVersion);
  versions.forEach((contract, index) => {
    if (contract.version !== index + 1) {
      throw new Error(`${contract.name} has no version ${index + 1}; versions are kept for ever`);
    }
  });
  const newest = versions[versions.length - 1];
  const reserved = newest.fields.find((field) => RESERVED.has(field.name));
  if (reserved !== undefined) throw new Error(`${newest.name}.${reserved.name} is a name that batches use`);
  const constants = versions.map((contract) => renderConstant(contract)).join("\n");
  return {
    name: `${newest.name}.ts`,
    text: [HEADER + renderImports(newest), renderEvent(newest), renderBatch(newest), constants].join("\n"),
  };
}

function renderImports(contract: EventContract): string {
  const columns = new Set(contract.fields.map(columnType));
  const used = [...columns, "EventBatch"].sort().join(", ");
  const json = contract.fields.some((field) => field.type === "json") ? ", JsonStructure" : "";
  return (
    `import type { ${used} } from "../../columns/index.ts";\n` +
    `import type { EventContract${json} } from "../contract.ts";\n`
  );
}

function columnType(field: ContractField): string {
  return field.key ? "KeyColumn" : COLUMN_TYPES[field.type];
}

function renderEvent(contract: EventContract): string {
  const members = contract.fields.map((field) => {
    const type =
      field.symbols === null
        ? JSON_TYPES[field.type]
        : field.symbols.map((symbol) => JSON.stringify(symbol)).join(" | ");
    const unit = field.type === "timestamp" ? " Milliseconds since the Unix epoch." : "";
    const declaration = field.nullable ? `${field.name}?: ${type} | null` : `${field.name}: ${type}`;
    return `  /** ${field.doc}${unit} */\n  readonly ${declaration};\n`;
  });
  return `/** ${contract.doc} The event as a JSON object. */\nexport interface ${typeName(contract.name)} {\n${members.join("")}}\n`;
}

function renderBatch(contract: EventContract): string {
  const members = contract.fields.map((field) => `  readonly ${field.name}: ${columnType(field)};\n`);
  return (
    `/** Decoded ${contract.topic}: one named column per field. */\n` +
    `export interface ${typeName(contract.name)}Batch extends EventBatch {\n${members.join("")}}\n`
  );
}

function constantName(contract: EventContract): string {
  const name = typeName(contract.name);
  return `${name[0].toLowerCase()}${name.slice(1)}V${contract.version}`;
}

function renderConstant(contract: EventContract): string {
  const fields = contract.fields.map((field) => `    ${literal(field)},\n`);
  const head = Object.entries(contract)
    .filter(([name]) => name !== "fields")
    .map(([name, value]) => `  ${name}: ${JSON.stringify(value)},\n`);
  return (
    `export const ${constantName(contract)}: EventContract & { readonly name: "${contract.name}" } = {\n` +
    `${head.join("")}  fields: [\n${fields.join("")}  ],\n};\n`
  );
}

function literal(field: ContractField): string {
  const members = Object.entries(field).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `{ ${members.join(", ")} }`;
}

function renderIndex(versions: readonly EventContract[], newest: readonly EventContract[]): GeneratedFile {
  const names = newest.map((contract) => contract.name);
  const imports = names.map((name) => {
    const constants = versions.filter((contract) => contract.name === name).map(constantName);
    return `import { ${constants.join(", ")}, type ${typeName(name)}, type ${typeName(name)}Batch } from "./${name}.ts";\nimport { readUsual${typeName(name)} } from "./${name}.reader.ts";\n`;
  });
  const aliases = newest.map((contract) => {
    const constant = constantName(contract);
    return `export const ${constant.replace(/V\d+$/, "Contract")} = ${constant};\n`;
  });
  const map = (title: string, doc: string, suffix: string) =>
    `/** ${doc} */\nexport interface ${title} {\n${names.map((name) => `  readonly "${name}": ${typeName(name)}${suffix};\n`).join("")}}\n`;
  const text = [
    `${HEADER}import type { EventContract } from "../contract.ts";\nimport type { UsualReader } from "../decoder/json-reader.ts";\n${imports.join("")}`,
    names
      .map((name) => `export type { ${typeName(name)}, ${typeName(name)}Batch } from "./${name}.ts";\n`)
      .join(""),
    `// The newest version of each contract.\n${aliases.join("")}`,
    "/** Every published version; the schema id of the wire format is the position, from 1. */\n" +
      `export const contractVersions: readonly EventContract[] = [${versions.map(constantName).join(", ")}];\n`,
    "/** The newest version of each contract, one per topic. */\n" +
      `export const contracts: readonly EventContract[] = [${newest.map(constantName).join(", ")}];\n`,
    "/** The readers of the newest versions' usual layouts, by contract. */\n" +
      `export const usualReaders: ReadonlyMap<EventContract, UsualReader> = new Map<EventContract, UsualReader>([\n${newest.map((c) => `  [${constantName(c)}, readUsual${typeName(c.name)}],\n`).join("")}]);\n`,
    map("EventByContract", "The event type of each contract.", ""),
    map("BatchByContract", "The batch type of each contract.", "Batch"),
  ];
  return { name: "index.ts", text: text.join("\n") };
}
