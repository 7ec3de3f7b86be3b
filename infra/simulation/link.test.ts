import { describe, expect, test } from "vitest";
import { type Faults, noFaults } from "./faults.ts";
import { Link } from "./link.ts";
import { SimulatedProcess } from "./process.ts";
import { Scheduler } from "./scheduler.ts";
import { Trace } from "./trace.ts";

const SEED = 5;

/** A process and its link to a service that notes what it was asked. */
function setUp(faults: Partial<Faults>, kind: "ordered" | "unordered") {
  const scheduler = new Scheduler(SEED, 0);
  const process = new SimulatedProcess("p", scheduler);
  const network = { scheduler, trace: new Trace(), faults: { ...noFaults, ...faults } };
  const link = new Link(network, process, "service", kind);
  const done: number[] = [];
  const answers: string[] = [];
  const ask = (i: number): void => {
    const request = { name: `${i}`, apply: () => done.push(i), lost: () => new Error("lost") };
    link.request(request).then(
      () => answers.push(`${i}`),
      (error: Error) => answers.push(`${i} ${error.message}`),
    );
  };
  return { scheduler, network, process, ask, done, answers };
}

const numbers = Array.from({ length: 50 }, (_, i) => i);

describe("link", () => {
  test("an ordered one keeps the order of requests, another one does not", async () => {
    for (const kind of ["ordered", "unordered"] as const) {
      const { scheduler, ask, done } = setUp({ delayMsMean: 10 }, kind);
      for (const i of numbers) ask(i);
      await scheduler.pass(1_000);
      expect([...done].sort((a, b) => a - b)).toEqual(numbers);
      if (kind === "ordered") expect(done).toEqual(numbers);
      else expect(done).not.toEqual(numbers);
    }
  });

  test("behind a request that was lost, none arrives on an ordered one before its sender knows", async () => {
    const { scheduler, network, ask, done, answers } = setUp(
      { lostRequestShare: 1, timeoutMs: 100 },
      "ordered",
    );
    ask(0);
    await scheduler.pass(1);
    network.faults = noFaults;
    ask(1);
    await scheduler.pass(200);
    ask(2);
    await scheduler.pass(1);
    expect(done).toEqual([2]);
    expect(answers).toEqual(["0 lost", "1 lost", "2"]);
  });

  test("a request whose answer is lost was done", async () => {
    const { scheduler, ask, done, answers } = setUp({ lostAnswerShare: 1, timeoutMs: 100 }, "unordered");
    ask(0);
    await scheduler.pass(200);
    expect([done, answers]).toEqual([[0], ["0 lost"]]);
  });

  test("a repeated request is done twice and answered once", async () => {
    const { scheduler, ask, done, answers } = setUp({ twiceShare: 1, delayMsMean: 3 }, "unordered");
    ask(0);
    await scheduler.pass(1_000);
    expect([done, answers]).toEqual([[0, 0], ["0"]]);
  });

  test("what a killed process had sent still arrives, and nobody hears the answer", async () => {
    const { scheduler, process, ask, done, answers } = setUp({ lateShare: 1 }, "unordered");
    ask(0);
    process.kill();
    ask(1);
    await scheduler.pass(100);
    expect([done, answers]).toEqual([[0], []]);
  });

  test("a paused process hears everything when it goes on, in its order", async () => {
    const { scheduler, process, ask, answers } = setUp({}, "ordered");
    for (const i of [0, 1, 2]) ask(i);
    process.pause();
    await scheduler.pass(100);
    expect(answers).toEqual([]);
    process.resume();
    await scheduler.pass(1);
    expect(answers).toEqual(["0", "1", "2"]);
  });
});
