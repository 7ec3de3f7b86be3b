import { defineTable, tableName } from "../../../schema/index.ts";

/** A small table with every type, for tests of the lake. */
export const probeTable = defineTable({
  namespace: "gold",
  name: "probe",
  doc: "Every type once.",
  partitionByDayOf: "event_time",
  key: ["id"],
  columns: [
    ["id", "long", "required", "Row number."],
    ["event_time", "timestamptz", "required", "Event time."],
    ["text", "string", "optional", "Text."],
    ["small", "int", "optional", "A small number."],
    ["real", "double", "optional", "A real number."],
    ["flag", "boolean", "optional", "A truth value."],
  ],
});

export const PROBE = tableName(probeTable);
export const MS_PER_DAY = 86_400_000;
