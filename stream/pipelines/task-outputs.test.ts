import { expect, test } from "vitest";
import { defineTable } from "../../schema/index.ts";
import { Outbox } from "../sinks/outbox.ts";
import { TaskOutputs } from "./task-outputs.ts";

const nowhere = (): Promise<never> => Promise.reject(new Error("nothing is sent"));
const ports = { log: { append: nowhere }, hotStore: { putMany: nowhere }, alertBus: { publish: nowhere } };
const table = (name: string) =>
  defineTable({
    namespace: "gold",
    name,
    doc: "Numbers.",
    partitionByDayOf: "at",
    key: ["at"],
    columns: [["at", "timestamptz", "required", "Event time."]],
  });

test("each buffer with rows has one turn ahead of a cut, also where rows keep coming", () => {
  const outbox = new Outbox({ ...ports, taskId: "t", paneTopic: "panes" });
  const outputs = new TaskOutputs(outbox, { taskId: "t", nonce: "n", fileBytesMax: 1 << 20 });
  const buffers = ["first_probe", "second_probe"].map((name) => outputs.openRows(table(name)));
  const turn = (): readonly boolean[] => {
    for (const buffer of buffers) buffer.next();
    const more = outputs.flushSomeRows();
    return [...buffers.map(({ length }) => length === 0), more];
  };
  const around = [
    [true, false, true],
    [false, true, true],
    [false, false, false],
  ];
  expect([turn(), turn(), turn(), turn(), turn(), turn()]).toEqual([...around, ...around]);
});
