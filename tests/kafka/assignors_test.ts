import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  assignPartitions,
  PROTOCOLS,
  range,
  roundRobin,
  type Share,
  type Subscription,
} from "../../src/kafka/assignors.ts";

function plain(shares: Share[]): Record<string, string[]> {
  return Object.fromEntries(shares.map(({ memberId, assignments }) => [
    memberId,
    [...assignments.values()].flatMap(({ topic, partitions }) => partitions.map((p) => topic + p)),
  ]));
}

// The examples of Java's RangeAssignor and RoundRobinAssignor, from their documentation.
const PAIR: Subscription[] = ["c1", "c0"].map((memberId) => ({ memberId, topics: ["t0-", "t1-"] }));
const COUNTS = new Map([["t1-", 3], ["t0-", 3]]);

Deno.test("range as Java lays it out", () => {
  assert.deepEqual(plain(range(PAIR, COUNTS)), {
    c0: ["t0-0", "t0-1", "t1-0", "t1-1"],
    c1: ["t0-2", "t1-2"],
  });
});

Deno.test("round robin as Java lays it out", () => {
  assert.deepEqual(plain(roundRobin(PAIR, COUNTS)), {
    c0: ["t0-0", "t0-2", "t1-1"],
    c1: ["t0-1", "t1-0", "t1-2"],
  });
  const members = [
    { memberId: "c0", topics: ["t0-"] },
    { memberId: "c1", topics: ["t0-", "t1-"] },
    { memberId: "c2", topics: ["t0-", "t1-", "t2-"] },
  ];
  const counts = new Map([["t0-", 1], ["t1-", 2], ["t2-", 3]]);
  assert.deepEqual(plain(roundRobin(members, counts)), {
    c0: ["t0-0"],
    c1: ["t1-0"],
    c2: ["t1-1", "t2-0", "t2-1", "t2-2"],
  });
});

Deno.test("every partition goes to one member that reads its topic, every member has a share", () => {
  const topics = ["a-", "b-", "c-"];
  const group = fc.uniqueArray(
    fc.record({ memberId: fc.uuid(), topics: fc.subarray(topics) }),
    { selector: ({ memberId }) => memberId, minLength: 1, maxLength: 6 },
  );
  const counts = fc.record({ "a-": fc.nat(9), "b-": fc.nat(9), "c-": fc.nat(9) });
  fc.assert(fc.property(group, counts, (members, partitions) => {
    const all = Object.entries(partitions).filter(([topic]) =>
      members.some((member) => member.topics.includes(topic))
    ).flatMap(([topic, count]) => Array.from({ length: count }, (_, i) => topic + i)).sort();
    for (const assign of [range, roundRobin]) {
      const shares = plain(assign(members, new Map(Object.entries(partitions))));
      assert.deepEqual(Object.keys(shares).sort(), members.map((m) => m.memberId).sort());
      assert.deepEqual(Object.values(shares).flat().sort(), all);
      for (const member of members) {
        const foreign = shares[member.memberId].filter((place) =>
          !member.topics.includes(place.slice(0, 2))
        );
        assert.deepEqual(foreign, []);
      }
    }
  }));
});

Deno.test("the leader lays out the protocol that the group has chosen", () => {
  const metadata = {
    id: "cluster",
    brokers: new Map(),
    controllerId: 1,
    lastUpdate: 0,
    topics: new Map([["t", { id: "id", partitions: [], partitionsCount: 4, lastUpdate: 0 }]]),
  };
  const layout = (protocol: string) => {
    // As the library hands them over: user data of the chosen protocol; other clients send none.
    const ours = PROTOCOLS.find(({ name }) => name === protocol)!;
    const members = new Map([
      ["ours", {
        memberId: "ours",
        version: 1,
        topics: ["t"],
        metadata: Buffer.from(String(ours.metadata)),
      }],
      ["other", { memberId: "other", version: 0, topics: ["t"] }],
    ]);
    return plain(assignPartitions("ours", members, new Set(["t"]), metadata));
  };
  assert.deepEqual(layout("range"), { other: ["t0", "t1"], ours: ["t2", "t3"] });
  assert.deepEqual(layout("roundrobin"), { other: ["t0", "t2"], ours: ["t1", "t3"] });
});
