import type { ContractField, EventContract, FieldType } from "./contract.ts";

/** Promotions of our types that Avro's readers and Iceberg's tables both have. */
const PROMOTIONS: Partial<Record<FieldType, readonly FieldType[]>> = { int: ["long"] };

/**
 * What keeps a reader of `newer` from reading data written as `older`, as events or in the bronze table, whose columns
 * are known by the places of their fields; empty where nothing does. Allowed: a new nullable field at the end, a new
 * symbol, a promoted number, wider bounds, and a required field becoming nullable. For the transitive check compare
 * with every older version.
 */
export function compatibilityProblems(older: EventContract, newer: EventContract): string[] {
  const problems: string[] = [];
  for (const role of ["name", "topic", "idField", "timeField", "keyField"] as const) {
    if (older[role] !== newer[role]) problems.push(`${role} changed from ${older[role]} to ${newer[role]}`);
  }
  for (const [place, { name }] of older.fields.entries()) {
    const now = newer.fields.findIndex((field) => field.name === name);
    if (now < 0) problems.push(`${name} is gone: keep it, nullable, for the column of the bronze table`);
    else if (now !== place) {
      problems.push(`${name} was field ${place + 1} and is now ${now + 1}: put new fields at the end`);
    }
  }
  for (const field of newer.fields) {
    const written = older.fields.find((candidate) => candidate.name === field.name);
    if (written !== undefined) problems.push(...fieldProblems(written, field));
    else if (!field.nullable) problems.push(`${field.name} is new and required: make it nullable`);
  }
  return problems;
}

function fieldProblems(older: ContractField, newer: ContractField): string[] {
  const problems: string[] = [];
  if (older.type !== newer.type && !PROMOTIONS[older.type]?.includes(newer.type)) {
    problems.push(`${newer.name} changed its type from ${older.type} to ${newer.type}`);
  }
  if (older.nullable && !newer.nullable) problems.push(`${newer.name} was nullable and is now required`);
  const lost = (older.symbols ?? []).filter(
    (symbol) => newer.symbols !== null && !newer.symbols.includes(symbol),
  );
  if (lost.length > 0) problems.push(`${newer.name} lost the symbols ${lost.join(", ")}`);
  if ((newer.min ?? Number.NEGATIVE_INFINITY) > (older.min ?? Number.NEGATIVE_INFINITY)) {
    problems.push(`${newer.name} has a higher minimum: ${older.min} became ${newer.min}`);
  }
  if ((newer.max ?? Number.POSITIVE_INFINITY) < (older.max ?? Number.POSITIVE_INFINITY)) {
    problems.push(`${newer.name} has a lower maximum: ${older.max} became ${newer.max}`);
  }
  if ((newer.maxBytes ?? Number.POSITIVE_INFINITY) < (older.maxBytes ?? Number.POSITIVE_INFINITY)) {
    problems.push(`${newer.name} allows fewer bytes: ${older.maxBytes} became ${newer.maxBytes}`);
  }
  return problems;
}

/**
 * What an edit of a published version breaks: its schema id already names one wire form, so fields,
 * their order, types and symbols are fixed, and what was valid must stay so. Docs may change.
 */
export function publishedProblems(published: EventContract, edited: EventContract): string[] {
  const wire = (contract: EventContract) =>
    contract.fields.map(({ name, type, nullable, symbols }) =>
      JSON.stringify({ name, type, nullable, symbols }),
    );
  const before = wire(published);
  const after = wire(edited);
  const changed = Array.from({ length: Math.max(before.length, after.length) }, (_, i) => i).filter(
    (i) => before[i] !== after[i],
  );
  return [
    ...compatibilityProblems(published, edited),
    ...changed.map(
      (i) => `field ${i + 1} was ${before[i] ?? "absent"} on the wire and is now ${after[i] ?? "absent"}`,
    ),
  ];
}
