import type { EventContract } from "../events/contract.ts";
import { bronzeChecks } from "./bronze-checks.ts";
import { between } from "./checks.ts";
import { defineTable, type LakeType, type TableSpec } from "./table-spec.ts";

const LAKE_TYPES: Record<EventContract["fields"][number]["type"], LakeType> = {
  string: "string",
  enum: "string",
  json: "string",
  int: "int",
  long: "long",
  double: "double",
  boolean: "boolean",
  timestamp: "timestamptz",
};

/**
 * Bronze holds what was received: the contract's fields, the log position, and what the contract
 * does not know. Field ids: contract fields keep 1 …, the others start at 1001.
 */
export function bronzeTable(contract: EventContract): TableSpec {
  const fields = contract.fields.map((field, index) => ({
    id: index + 1,
    name: field.column,
    type: LAKE_TYPES[field.type],
    required: !field.nullable,
    doc: field.doc,
  }));
  return {
    namespace: "bronze",
    name: contract.topic.replaceAll("-", "_"),
    doc: `${contract.doc} As received.`,
    partitionByDayOf:
      contract.fields.find((field) => field.name === contract.timeField)?.column ?? "_ingested_at",
    key: ["_partition", "_offset"],
    columns: [
      ...fields,
      { id: 1001, name: "_topic", type: "string", required: true, doc: "Log topic." },
      { id: 1002, name: "_partition", type: "int", required: true, doc: "Log partition." },
      { id: 1003, name: "_offset", type: "long", required: true, doc: "Log offset." },
      { id: 1004, name: "_ingested_at", type: "timestamptz", required: true, doc: "When the log took it." },
      {
        id: 1005,
        name: "_extra",
        type: "string",
        required: false,
        doc: "Members the contract does not know, as JSON.",
      },
    ],
    checks: bronzeChecks(contract),
  };
}

export const bronzeDeadLetters = defineTable({
  namespace: "bronze",
  name: "dead_letters",
  doc: "Records that no contract takes, with the reason.",
  partitionByDayOf: "_ingested_at",
  key: ["_topic", "_partition", "_offset"],
  columns: [
    ["_topic", "string", "required", "Log topic."],
    ["_partition", "int", "required", "Log partition."],
    ["_offset", "long", "required", "Log offset."],
    ["_ingested_at", "timestamptz", "required", "When the log took it."],
    ["reason", "string", "required", "Stable code, for example wrong-type."],
    ["field", "string", "optional", "The field concerned."],
    ["detail", "string", "required", "What was found and what was expected."],
    ["record_base64", "string", "required", "The record as received, base64, cut to the configured maximum."],
    ["record_bytes", "long", "required", "Size of the record as received."],
  ],
  checks: [between("record_bytes", 0)],
});
