/** The lines of `check --connect` about Kafka. */
import type { Config } from "../config/config.ts";
import { settings } from "../config/settings.ts";
import { valueText } from "../config/faults.ts";
import { ClusterLook, type TopicFacts, TopicMissing } from "../kafka/cluster_look.ts";
import { remedyFor } from "../kafka/remedy.ts";
import type { Found, Look } from "./connection.ts";
import type { Clocks } from "./connect_check.ts";
import { counted } from "./counted.ts";

/** The engine sends rows of up to so many bytes; larger than a topic takes, they are split. */
const ROW_BYTES = 950_000;
/** A usual result has less; one that is larger than its topic takes is a dead letter. */
const RESULT_BYTES = 10_000;

export function kafkaLooks(
  config: Config,
  { clocks, timeoutMs }: { clocks: Clocks; timeoutMs: number },
): { looks: Look[]; close: () => Promise<void> } {
  const { brokers, kafkaSecurity: security, inputTopic, outputTopic, deadLetterTopic } = config;
  const cluster = new ClusterLook({ brokers, security, clientId: "plumbline-check" }, {
    // One that doesn't answer must not take the time of the others.
    timeoutMs: timeoutMs * 0.4,
  });
  const reached = cluster.reached().then(() => true, () => false);
  const part = (name: string, work: Look["work"]): Look => ({
    part: name,
    work,
    isKafka: true,
    todo: (reason) => remedyFor(reason).todo,
  });
  const behindBroker = (name: string, work: () => Promise<Found>): Look =>
    part(
      name,
      async () =>
        await reached
          ? await work()
          : { text: "no broker was reached", todo: "see the line about the broker" },
    );
  const topicLook = (name: string, topic: { name: string; setting: string }) =>
    behindBroker(name, () => topicFound(cluster, topic));
  const looks = [
    part("broker", () => brokerFound(cluster, config)),
    behindBroker("input topic", async () => {
      const found = await topicFound(cluster, { name: inputTopic, setting: "INPUT_TOPIC" });
      const newest = await cluster.newestTime(inputTopic).catch(() => undefined);
      // Only a record from the future says something about the clocks.
      if (newest !== undefined && newest > Date.now()) {
        clocks.set("the input topic's newest record", newest - Date.now());
      }
      return found;
    }),
  ];
  if (outputTopic !== "") {
    looks.push(topicLook("output topic", { name: outputTopic, setting: "OUTPUT_TOPIC" }));
  }
  if (deadLetterTopic !== "") {
    const topic = { name: deadLetterTopic, setting: "DEAD_LETTER_TOPIC" };
    looks.push(topicLook("dead letter topic", topic));
  }
  looks.push(behindBroker("group", () => groupFound(cluster, config)));
  return { looks, close: () => cluster.close() };
}

async function brokerFound(cluster: ClusterLook, config: Config): Promise<Found> {
  const { clusterId, brokers, unreachable } = await cluster.cluster();
  const named = valueText(settings.brokers.name, config.brokers.join(","));
  const { tls, sasl } = config.kafkaSecurity;
  const ways = [...tls ? ["TLS"] : [], ...sasl ? [`SASL ${sasl.mechanism}`] : []];
  const how = ways.length === 0 ? "" : ` by ${ways.join(" and ")}`;
  const count = counted(brokers, "broker");
  const text = `${named}: cluster ${clusterId} of ${count}, reached${how}`;
  if (unreachable.length === 0) return { text };
  const missing = unreachable.map(({ address, reason }) => `${address}: ${reason}`).join(", ");
  return {
    text: `${text}, but not all of it (${missing})`,
    todo: "every broker has to be reached by the name that it gives itself (advertised.listeners)",
  };
}

async function topicFound(
  cluster: ClusterLook,
  { name, setting }: { name: string; setting: string },
): Promise<Found> {
  let facts: TopicFacts;
  try {
    facts = await cluster.topic(name);
  } catch (error) {
    if (!(error instanceof TopicMissing)) throw error;
    return {
      text: `${name}: the broker has no topic of this name`,
      todo: `create it, or name one that exists by ${setting}`,
    };
  }
  const { partitions, leaderless, allowed, maxMessageBytes: most } = facts;
  const text = `${name}: ${counted(partitions, "partition")}`;
  if (leaderless.length > 0) {
    return {
      text: `${text}, without a leader: ${leaderless.join(", ")}`,
      todo: remedyFor("leader").todo,
    };
  }
  const isInput = setting === "INPUT_TOPIC";
  const may = isInput ? allowed?.read : allowed?.write;
  const verb = isInput ? "read" : "written";
  if (may === false) {
    return {
      text: `${text}, it may not be ${verb}`,
      todo: `allow ${
        isInput ? "Read" : "Write and Read"
      } on it to this client in the broker's ACLs`,
    };
  }
  const permitted = may === undefined
    ? `${text}, whether it may be ${verb} isn't told`
    : `${text}, it may be ${verb}`;
  return isInput ? { text: permitted } : limitFound(most, permitted);
}

function limitFound(most: number | undefined, text: string): Found {
  if (most === undefined) return { text: `${text}; its message size limit isn't told` };
  const limit = `${text}; messages of up to ${most} bytes`;
  if (most < RESULT_BYTES) {
    return { text: limit, todo: "raise max.message.bytes: larger results become dead letters" };
  }
  return { text: most < ROW_BYTES ? `${limit}, larger batches are split` : limit };
}

async function groupFound(cluster: ClusterLook, { group, inputTopic }: Config): Promise<Found> {
  const { state, strategy, joinable, members, committed, lag } = await cluster.group(
    group,
    inputTopic,
  );
  const who = members === 0
    ? "no members now"
    : `${counted(members, "member")} (${strategy || state})`;
  const where = committed === 0
    ? "nothing is committed: reading begins at the first records, or where the data folder says"
    : `${counted(committed, "partition")} committed, ${counted(lag, "record")} behind`;
  const text = `${group}: ${who}; ${where}`;
  if (joinable) return { text };
  return {
    text,
    todo:
      "this engine joins groups of the strategies range and roundrobin: stop the other members, " +
      "or set CONSUMER_GROUP to another group",
  };
}
