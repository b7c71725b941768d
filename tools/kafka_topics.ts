/** Making topics, and the topics that the engine uses where nothing else is said. */
import { kafka } from "../deps.ts";
import { settings } from "../src/config/settings.ts";
import { settingValue } from "../src/config/setting_value.ts";
import { connectionOptions } from "../src/kafka/connection_options.ts";

const DEFAULT_PARTITIONS = 4;
const LEADERS_LIMIT_MS = 30_000;
const POLL_MS = 50;

export interface TopicMade {
  readonly name: string;
  readonly partitions: number;
  /** False: it was there before. */
  readonly made: boolean;
}

/** The topic that readings come from, as the engine would read its settings. Throws where it can't. */
export function inputTopic(env: Record<string, string>): string {
  return topicOf(settings.inputTopic, env);
}

/** The topic that results go to; empty: none. */
export function outputTopic(env: Record<string, string>): string {
  return topicOf(settings.outputTopic, env);
}

function topicOf(setting: typeof settings.inputTopic, env: Record<string, string>): string {
  const read = settingValue(setting, env);
  if ("value" in read) return read.value;
  throw new Error(
    `Read ${setting.name}: ${JSON.stringify(read.fault.value)} ${read.fault.message}`,
  );
}

/** The input topic and the output topic, where they aren't there yet. */
export async function makeDefaultTopics(
  broker: string,
  env: Record<string, string>,
): Promise<TopicMade[]> {
  const made: TopicMade[] = [];
  for (const name of [inputTopic(env), outputTopic(env)]) {
    if (name !== "") made.push(await makeTopic(broker, { name, partitions: DEFAULT_PARTITIONS }));
  }
  return made;
}

/** Makes a topic and waits until it can be used. Throws where that can't be done. */
export async function makeTopic(
  brokers: string,
  { name, partitions }: { name: string; partitions?: number },
): Promise<TopicMade> {
  const admin = new kafka.Admin(
    connectionOptions({ brokers: brokers.split(","), clientId: "plumbline-tools" }),
  );
  try {
    const made = !(await admin.listTopics({ includeInternals: true })).includes(name);
    if (made) await admin.createTopics({ topics: [{ topic: name, partitions }] });
    return { name, made, partitions: await partitionsLed(admin, name) };
  } finally {
    await admin.close();
  }
}

/** How many partitions it has; waits until each is led by a broker that knows so: nobody can use it before. */
async function partitionsLed(admin: kafka.Admin, name: string): Promise<number> {
  const deadline = Date.now() + LEADERS_LIMIT_MS;
  for (;;) {
    try {
      const { topics } = await admin.metadata({ topics: [name], forceUpdate: true });
      const partitions = (topics.get(name)?.partitions ?? []).map((_, partitionIndex) => ({
        partitionIndex,
        timestamp: kafka.ListOffsetTimestamps.EARLIEST,
      }));
      if (partitions.length > 0) {
        // The metadata have a leader some time before that leads.
        await admin.listOffsets({ topics: [{ name, partitions }] });
        return partitions.length;
      }
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    if (Date.now() > deadline) {
      throw new Error(`Make topic ${name}: no leader for a partition in ${LEADERS_LIMIT_MS} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
