import {
  type Column,
  createBooleanColumn,
  createEnumColumn,
  createFloat64Column,
  createInt32Column,
  createKeyColumn,
  createTextColumn,
  type KeyDictionary,
  type LakeColumn,
  NULL_ENUM,
} from "../../../schema/index.ts";
import type { PlainValue } from "./read-back.ts";

/** How a string column comes: as text, as keys of a dictionary, or as an enum of its own symbols. */
export type StringForm = "text" | "enum" | KeyDictionary;

/** A column of plain values, as operators would fill it. */
export function columnOf(spec: LakeColumn, values: readonly PlainValue[], form: StringForm = "text"): Column {
  switch (spec.type) {
    case "string":
      return stringColumn(values as (string | null)[], form);
    case "int":
      return fill(createInt32Column(values.length, !spec.required), values);
    case "boolean":
      return fill(createBooleanColumn(values.length, !spec.required), values);
    case "long":
      return fill(createFloat64Column("int64", values.length, !spec.required), values);
    case "timestamptz":
      return fill(createFloat64Column("timestamp", values.length, !spec.required), values);
    case "double":
      return fill(createFloat64Column("float64", values.length, !spec.required), values);
  }
}

function fill<C extends Exclude<Column, { kind: "text" | "key" | "enum" }>>(
  column: C,
  values: readonly PlainValue[],
): C {
  values.forEach((value, row) => {
    // What a null row holds is undefined by contract, so it is garbage here.
    column.values[row] = value === null ? 77 : Number(value);
    if (column.valid !== null) column.valid[row] = value === null ? 0 : 1;
  });
  return column;
}

function stringColumn(values: readonly (string | null)[], form: StringForm): Column {
  if (form === "text") return textColumn(values);
  if (form === "enum") {
    const symbols = [...new Set(values.filter((value) => value !== null))];
    if (symbols.length >= NULL_ENUM) return textColumn(values);
    const column = createEnumColumn(values.length, symbols);
    values.forEach((value, row) => {
      column.codes[row] = value === null ? NULL_ENUM : symbols.indexOf(value);
    });
    return column;
  }
  const column = createKeyColumn(values.length, form);
  values.forEach((value, row) => {
    column.ids[row] = value === null ? -1 : form.internText(value);
  });
  return column;
}

function textColumn(values: readonly (string | null)[]): Column {
  const column = createTextColumn(values.length);
  const parts: Buffer[] = [Buffer.from("junk before")];
  let at = parts[0].length;
  values.forEach((value, row) => {
    const bytes = Buffer.from(value ?? "");
    column.start[row] = value === null ? -1 : at;
    column.end[row] = value === null ? -1 : at + bytes.length;
    parts.push(bytes);
    at += bytes.length;
  });
  column.bytes = Buffer.concat(parts);
  return column;
}
