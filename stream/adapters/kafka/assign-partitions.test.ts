import fc from "fast-check";
import { expect, it } from "vitest";
import { assignPartitions, type MemberClaim } from "./assign-partitions.ts";

/** Lets everybody stop what it lost and join again, until nothing moves any more. */
function settle(members: readonly MemberClaim[], partitions: number): MemberClaim[] {
  let current = [...members];
  for (let round = 0; round < 4; round++) {
    const next = assignPartitions(current, partitions);
    current = current.map(({ id, generation }) => ({
      id,
      generation: generation + 1,
      owned: next.get(id) ?? [],
    }));
  }
  return current;
}

const claims = fc
  .record({
    partitions: fc.integer({ min: 0, max: 40 }),
    members: fc.array(
      fc.record({
        owned: fc.array(fc.integer({ min: -2, max: 50 })),
        standby: fc.array(fc.integer({ min: -2, max: 50 })),
      }),
      { minLength: 1, maxLength: 7 },
    ),
  })
  .map(({ partitions, members }) => ({
    partitions,
    members: members.map((member, i) => ({ id: `m${i}`, generation: i % 3, ...member })),
  }));

it("never gives a partition to two, and none to a member while another still works on it", () => {
  fc.assert(
    fc.property(claims, ({ partitions, members }) => {
      const assigned = assignPartitions(members, partitions);
      const all = [...assigned.values()].flat();
      expect(new Set(all).size).toBe(all.length);
      for (const { id, generation } of members) {
        for (const partition of assigned.get(id) ?? []) {
          const others = members.filter((each) => each.id !== id && each.owned.includes(partition));
          const own = members.find((each) => each.id === id)?.owned.includes(partition) ?? false;
          expect(others.every((other) => own && other.generation <= generation)).toBe(true);
        }
      }
    }),
  );
});

it("ends with every partition assigned, evenly", () => {
  fc.assert(
    fc.property(claims, ({ partitions, members }) => {
      const sizes = settle(members, partitions).map(({ owned }) => owned.length);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(partitions);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

it("moves no more than it has to when a member comes or goes", () => {
  const two = settle(
    [
      { id: "a", generation: 0, owned: [] },
      { id: "b", generation: 0, owned: [] },
    ],
    8,
  );
  const three = settle([...two, { id: "c", generation: 0, owned: [] }], 8);
  const stayed = two.flatMap(({ id, owned }) =>
    owned.filter((p) => three.find((each) => each.id === id)?.owned.includes(p)),
  );
  expect(stayed.length).toBe(6);
  const left = settle(
    three.filter(({ id }) => id !== "a"),
    8,
  );
  for (const { id, owned } of three) {
    if (id !== "a")
      expect(left.find((each) => each.id === id)?.owned).toEqual(expect.arrayContaining([...owned]));
  }
});

it("gives what a dead member had to those that stand by for it, in even shares all the same", () => {
  const members = [
    { id: "a", generation: 1, owned: [0, 1], standby: [6, 7] },
    { id: "b", generation: 1, owned: [2, 3], standby: [4, 5] },
    { id: "c", generation: 1, owned: [8, 9], standby: [4, 5, 6, 7] },
  ];
  expect(assignPartitions(members, 10)).toEqual(
    new Map([
      ["a", [0, 1, 6, 7]],
      ["b", [2, 3, 4]],
      ["c", [5, 8, 9]],
    ]),
  );
  expect(assignPartitions(members.slice(0, 1), 4).get("a")).toEqual([0, 1, 2, 3]);
});

it("takes from its owners what a newcomer stands by for, and gives it to that one", () => {
  const members = [
    { id: "a", generation: 1, owned: [0, 1, 2, 3] },
    { id: "b", generation: 0, owned: [], standby: [1, 2] },
  ];
  const stopped = assignPartitions(members, 4);
  expect(stopped).toEqual(
    new Map([
      ["a", [0, 3]],
      ["b", []],
    ]),
  );
  const again = members.map((member) => ({ ...member, generation: 2, owned: stopped.get(member.id) ?? [] }));
  expect(assignPartitions(again, 4).get("b")).toEqual([1, 2]);
});
