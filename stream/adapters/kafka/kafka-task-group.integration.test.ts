import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { afterEach, expect, it } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import type { TaskAssignment, TaskMembership } from "../../ports/task-group.ts";
import { KafkaTaskGroup } from "./kafka-task-group.ts";

const PARTITIONS = 8;
const FIXTURE = new URL("./kafka-task-group.fixture.ts", import.meta.url).pathname;

/** A member whose latest assignment can be waited for. */
class Member {
  partitions: readonly number[] = [];
  readonly seen: (readonly number[])[] = [];
  private readonly waiting = new Set<() => void>();

  note({ partitions }: TaskAssignment): void {
    this.partitions = partitions;
    this.seen.push(partitions);
    for (const wake of this.waiting) wake();
  }

  async has(count: number): Promise<void> {
    while (this.partitions.length !== count) {
      await new Promise<void>((resolve) => {
        this.waiting.add(resolve);
      });
    }
  }
}

const memberships: TaskMembership[] = [];
const processes: ChildProcess[] = [];
afterEach(async () => {
  for (const child of processes.splice(0)) child.kill("SIGKILL");
  await Promise.all(memberships.splice(0).map((membership) => membership.leave()));
});

async function join(group: string): Promise<Member & { leave(): Promise<void> }> {
  const { bootstrap } = await testServer("kafka");
  const tasks = new KafkaTaskGroup({ connection: { brokers: [bootstrap], clientId: "test" } });
  const membership = tasks.join({ group, topic: "customer-events", partitions: PARTITIONS });
  memberships.push(membership);
  const member = new Member();
  void (async () => {
    for await (const assignment of membership.assignments) member.note(assignment);
  })();
  return Object.assign(member, { leave: () => membership.leave() });
}

async function joinProcess(group: string): Promise<Member & { kill(): void }> {
  const { bootstrap } = await testServer("kafka");
  const child = spawn(process.execPath, [FIXTURE, bootstrap, group, String(PARTITIONS)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  processes.push(child);
  const member = new Member();
  createInterface({ input: child.stdout }).on("line", (line) => member.note(JSON.parse(line)));
  return Object.assign(member, { kill: () => child.kill("SIGKILL") });
}

const sorted = (...members: Member[]) =>
  members.flatMap(({ partitions }) => partitions).sort((a, b) => a - b);
const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);

it("gives everything to one member, half to each of two, and all back when one leaves", async () => {
  const group = uniqueName("group");
  const first = await join(group);
  await first.has(PARTITIONS);
  const second = await join(group);
  await Promise.all([first.has(PARTITIONS / 2), second.has(PARTITIONS / 2)]);
  expect(sorted(first, second)).toEqual(all);
  await second.leave();
  await first.has(PARTITIONS);
  // What stayed was never taken away: no assignment of the first lacks all that it kept.
  for (const seen of first.seen) expect(seen.length).toBeGreaterThanOrEqual(PARTITIONS / 2);
});

it("moves the partitions of a killed process to the others", async () => {
  const group = uniqueName("group");
  const [stays, dies] = await Promise.all([join(group), joinProcess(group)]);
  await Promise.all([stays.has(PARTITIONS / 2), dies.has(PARTITIONS / 2)]);
  expect(sorted(stays, dies)).toEqual(all);
  dies.kill();
  await stays.has(PARTITIONS);
});

it("does not give a partition on before its owner says that it has stopped", async () => {
  const group = uniqueName("group");
  const { bootstrap } = await testServer("kafka");
  const tasks = new KafkaTaskGroup({ connection: { brokers: [bootstrap], clientId: "test" } });
  const slow = tasks.join({ group, topic: "customer-events", partitions: PARTITIONS });
  memberships.push(slow);
  const assignments = slow.assignments[Symbol.asyncIterator]();
  expect((await assignments.next()).value?.partitions).toEqual(all);
  const other = await join(group);
  const shrunk = await assignments.next();
  expect(shrunk.value?.partitions.length).toBe(PARTITIONS / 2);
  // Whatever the other was told so far, it holds nothing that the slow one has not let go.
  expect(other.seen.flat()).toEqual([]);
  const next = assignments.next();
  await other.has(PARTITIONS / 2);
  expect(other.partitions.some((partition) => shrunk.value?.partitions.includes(partition))).toBe(false);
  await slow.leave();
  await next;
});

it("says what to do where the brokers do not take the session time-out", async () => {
  const { bootstrap } = await testServer("kafka");
  const connection = { brokers: [bootstrap], clientId: "test" };
  const membership = new KafkaTaskGroup({ connection, sessionTimeoutMs: 10 }).join({
    group: uniqueName("group"),
    topic: "customer-events",
    partitions: PARTITIONS,
  });
  await expect(membership.assignments[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: "kafka-session-timeout-refused",
    message: expect.stringContaining("kafkaSessionTimeoutMs"),
  });
});
