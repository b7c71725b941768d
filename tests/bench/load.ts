/** The bench's readings: about 150 bytes, 1,000 devices, four partitions, one in 1,000 malformed. */
import { Producer } from "@platformatic/kafka";
import { Buffer } from "node:buffer";
import { partitionOf } from "../oracle/murmur2.ts";

export const PARTITIONS = 4;
const DEVICES = 1_000;
const START = Date.parse("2026-01-01T00:00:00.000Z");
/** Readings in one request. */
const CHUNK = 10_000;

interface Message {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

const devices = Array.from({ length: DEVICES }, (_, i) => {
  const name = `device-${String(i).padStart(4, "0")}`;
  const key = Buffer.from(name);
  return { name, key, partition: partitionOf(key, PARTITIONS) };
});

/** The `number`th reading; every 1,000th is malformed. `time`: its timestamp as text. */
export function messageOf(number: number, to: { topic: string; time?: string }): Message {
  const { name, key, partition } = devices[(number * 7919) % DEVICES];
  const time = to.time ?? new Date(START + number).toISOString();
  const temperature = (8 + ((number * 31) % 2400) / 100).toFixed(2);
  const humidity = (18 + ((number * 17) % 6400) / 100).toFixed(2);
  const text = `{"device_id":"${name}","temperature":${temperature},"humidity":${humidity},` +
    `"timestamp":"${time}","tenant_id":"tenant-${number % DEVICES % 5}"}`;
  const value = Buffer.from(number % 1000 === 999 ? text.slice(0, -9) : text);
  return { topic: to.topic, partition, key, value };
}

export function makeProducer(bootstrap: string): Producer {
  return new Producer({ clientId: "bench", bootstrapBrokers: [bootstrap] });
}

/** Fills the topic with readings 0 to `count` - 1; how many of them are valid. */
export async function fill(
  topic: string,
  options: { bootstrap: string; count: number },
): Promise<number> {
  const producer = makeProducer(options.bootstrap);
  for (let from = 0; from < options.count; from += CHUNK) {
    const length = Math.min(CHUNK, options.count - from);
    const messages = Array.from({ length }, (_, i) => messageOf(from + i, { topic }));
    await producer.send({ messages, acks: -1 });
  }
  await producer.close();
  return options.count - Math.floor(options.count / 1000);
}
