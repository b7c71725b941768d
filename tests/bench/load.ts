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

/** Every 1,000th reading is malformed, and so all of one device: numbers below that are of known ones. */
export const KNOWN_DEVICES = DEVICES - 1;

export function deviceOf(number: number): string {
  return devices[(number * 7919) % DEVICES].name;
}

/** The text of the `number`th reading. `time`: its timestamp as text. */
export function readingOf(
  number: number,
  time: string = new Date(START + number).toISOString(),
): string {
  const temperature = (8 + ((number * 31) % 2400) / 100).toFixed(2);
  const humidity = (18 + ((number * 17) % 6400) / 100).toFixed(2);
  return `{"device_id":"${deviceOf(number)}","temperature":${temperature},"humidity":${humidity},` +
    `"timestamp":"${time}","tenant_id":"tenant-${number % DEVICES % 5}"}`;
}

/** `count` readings, one a line. */
export function batchOf({ from, count }: { from: number; count: number }): string {
  return Array.from({ length: count }, (_, i) => readingOf(from + i)).join("\n");
}

/** The `number`th reading as a message; every 1,000th is malformed. */
export function messageOf(number: number, to: { topic: string; time?: string }): Message {
  const { key, partition } = devices[(number * 7919) % DEVICES];
  const text = readingOf(number, to.time);
  const value = Buffer.from(number % 1000 === 999 ? text.slice(0, -9) : text);
  return { topic: to.topic, partition, key, value };
}

/** A broker that has just started, or is starved, has no leader for a partition for a moment. */
export function makeProducer(bootstrap: string): Producer {
  return new Producer({
    clientId: "bench",
    bootstrapBrokers: [bootstrap],
    retries: 30,
    retryDelay: 200,
  });
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
