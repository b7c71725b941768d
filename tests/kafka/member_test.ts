import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { Connection, type Consumer, leaveGroupV5, offsetCommitV8 } from "@platformatic/kafka";
import type { Membership } from "../../src/kafka/member.ts";
import type { Joined } from "../../src/kafka/tenure.ts";
import { Outage } from "../../src/kafka/outage.ts";
import type { Log } from "../../src/pipeline/ports.ts";
import { addPartitions, broker, createTopic, topicName } from "../harness/kafka.ts";
import { clientInUse, clients } from "./client_in_use.ts";

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

interface TestMember {
  readonly member: Membership;
  /** Its next join that wasn't waited for yet. */
  joined(): Promise<Joined>;
}

function member(
  topic: string,
  { events = [], onLost, log = silent }: {
    events?: string[];
    onLost?: () => void;
    log?: Log;
  } = {},
): TestMember {
  const joins: Joined[] = [];
  const waiting: ((joined: Joined) => void)[] = [];
  const made = clientInUse().source.member({
    brokers: [broker()],
    clientId: "member",
    group: topic,
    topic,
    log,
    now: Date.now,
    wallClock: Date.now,
    outage: new Outage("tests", { log: silent, now: Date.now }),
    formerId: undefined,
    onJoined: (joined) => {
      events.push("joined");
      const waiter = waiting.shift();
      if (waiter) waiter(joined);
      else joins.push(joined);
    },
    onLost: () => {
      events.push("lost");
      onLost?.();
    },
  });
  const joined = () => {
    const join = joins.shift();
    return join ? Promise.resolve(join) : new Promise<Joined>((resolve) => waiting.push(resolve));
  };
  return { member: made, joined };
}

async function connected<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
  const [host, port] = broker().split(":");
  const connection = new Connection("tests");
  await connection.connect(host, Number(port));
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

Deno.test("commits carry their metadata", async () => {
  const topic = await createTopic({ name: topicName("member"), partitions: 2 });
  const { member: ours, joined } = member(topic);
  ours.start();
  assert.deepEqual((await joined()).partitions, [0, 1]);
  await ours.commit(new Map([[1, 12]]), "folder topic");
  assert.deepEqual(
    await ours.committed([0, 1]),
    new Map([[0, { offset: -1, metadata: "" }], [1, { offset: 12, metadata: "folder topic" }]]),
  );
  await ours.close();
});

Deno.test("a member that was thrown out rewinds nobody, loses its partitions and joins anew", async () => {
  const topic = await createTopic({ name: topicName("member") });
  const events: string[] = [];
  const warnings: string[] = [];
  const log = { ...silent, warn: (message: string) => void warnings.push(message) };
  const { member: ours, joined } = member(topic, { events, log });
  ours.start();
  const { memberId } = await joined();
  await connected(async (connection) => {
    await leaveGroupV5.api.async(connection, topic, [{ memberId }]);
    const committed = {
      partitionIndex: 0,
      committedOffset: 50n,
      committedLeaderEpoch: -1,
      committedMetadata: "",
    };
    await offsetCommitV8.api.async(connection, topic, -1, "", null, [
      { name: topic, partitions: [committed] },
    ]);
  });
  await assert.rejects(ours.commit(new Map([[0, 10]]), "stale"));
  const again = await joined();
  assert.notEqual(again.memberId, memberId);
  assert.deepEqual(events, ["joined", "lost", "joined"]);
  // It has just been heard of: an engine with a copy of its folder would leave in its name so.
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /removed this member, though its session lasts/);
  assert.deepEqual(await ours.committed([0]), new Map([[0, { offset: 50, metadata: "" }]]));
  await ours.close();
});

Deno.test("a commit made as the partitions are lost still counts", async () => {
  const topic = await createTopic({ name: topicName("member"), partitions: 2 });
  const handedOver = Promise.withResolvers<void>();
  const warnings: string[] = [];
  const first: TestMember = member(topic, {
    log: { ...silent, warn: (message) => void warnings.push(message) },
    onLost: () => {
      first.member.commit(new Map([[0, 7], [1, 8]]), "handed over")
        .then(handedOver.resolve, handedOver.reject);
    },
  });
  first.member.start();
  await first.joined();
  const second = member(topic);
  second.member.start();
  await handedOver.promise;
  await second.joined();
  assert.deepEqual(
    await second.member.committed([0, 1]),
    new Map([
      [0, { offset: 7, metadata: "handed over" }],
      [1, { offset: 8, metadata: "handed over" }],
    ]),
  );
  assert.deepEqual(warnings, [], "another's join is nothing to warn of");
  await Promise.all([first.member.close(), second.member.close()]);
});

/** The library tells of every client that is made: the only way to what it does by itself. */
async function consumerThatJoins(act: () => Promise<unknown>): Promise<Consumer> {
  const instances = channel("plt:kafka:instances");
  const made: Consumer[] = [];
  const onInstance = (message: unknown) => {
    const { type, instance } = message as { type: string; instance: Consumer };
    if (type === "consumer") made.push(instance);
  };
  instances.subscribe(onInstance);
  try {
    await act();
  } finally {
    instances.unsubscribe(onInstance);
  }
  // An earlier one may have failed: just after its start the broker has no coordinator yet.
  return made.at(-1)!;
}

/** Of the one library that looks at the topic by itself. */
if (clientInUse() === clients.platformatic) {
  Deno.test("the library's own look at the topic doesn't hide that a join went by fewer partitions", async () => {
    const topic = await createTopic({ name: topicName("member"), partitions: 2 });
    const { member: ours, joined } = member(topic);
    const consumer = await consumerThatJoins(async () => {
      ours.start();
      await joined();
    });
    await addPartitions(topic, 4);
    // As it does by itself every five seconds, with a heartbeat.
    const seen = await consumer.metadata({ topics: [topic], forceUpdate: true });
    assert.equal(seen.topics.get(topic)!.partitionsCount, 4);
    assert.equal(ours.partitionsKnown, 2);
    ours.rejoin();
    assert.deepEqual((await joined()).partitions, [0, 1, 2, 3]);
    assert.equal(ours.partitionsKnown, 4);
    await ours.close();
  });
}
