/** Readings in quantity, the same for the same seed. */
import { Buffer } from "node:buffer";
import kafkajs from "kafkajs";
import { client, type TestRecord } from "../harness/kafka.ts";

export { seededRandom } from "../harness/random.ts";

export const TENANTS = ["default", "north", "south", "sampled"];

/** `TENANTS_FILE` for the load: one of its tenants is sampled, one has detectors of its own. */
export const LOAD_TENANTS = {
  defaults: { threshold: 1 },
  tenants: {
    north: {
      threshold: 3,
      detectors: [
        { type: "range", metric: "temperature", max: 25.5, weight: 1.5 },
        { type: "range", metric: "co2", min: 400, max: 900, weight: 2 },
      ],
    },
    sampled: { sampling: 0.5 },
  },
} as const;

const INVALID = ["garbage", "{}", '{"device_id":7}', '{"device_id":"dev-1","temperature":"1"}', ""];
const START = Date.parse("2026-01-01T00:00:00.000Z");

export interface Load {
  /** The next reading: mostly usual ones, some with metrics, without values or timestamp, some invalid. */
  next(): TestRecord;
}

export function makeLoad(options: { devices: number; random: () => number }): Load {
  const { devices, random } = options;
  let made = 0;
  return {
    next() {
      const number = Math.floor(random() * devices);
      const device = `dev-${number}`;
      if (random() < 0.005) {
        const value = INVALID[Math.floor(random() * INVALID.length)];
        return { key: device, value };
      }
      // Every 50th name exists in two tenants.
      const twin = number % 50 === 0 && random() < 0.5 ? 1 : 0;
      const tenant = TENANTS[(number + twin) % TENANTS.length];
      const fields: string[] = [`"device_id":"${device}"`];
      if (random() < 0.97) fields.push(`"temperature":${(5 + random() * 30).toFixed(2)}`);
      if (random() < 0.97) fields.push(`"humidity":${(15 + random() * 70).toFixed(2)}`);
      if (random() < 0.03) {
        // Full precision, and magnitudes that ruin a plain sum.
        const co2 = random() < 0.1 ? random() * 1e16 : 300 + random() * 700;
        fields.push(`"metrics":{"co2":${co2},"battery":${(random() * 5).toFixed(1)}}`);
      }
      if (random() < 0.98) fields.push(`"timestamp":"${new Date(START + made++).toISOString()}"`);
      if (tenant !== "default") fields.push(`"tenant_id":"${tenant}"`);
      return { key: device, value: `{${fields.join()}}` };
    },
  };
}

/** Sends in order, one request at a time; outlives a broker that is away for a minute. */
export class Writer implements AsyncDisposable {
  readonly #producer: kafkajs.Producer;
  readonly #topic: string;
  sent = 0;

  constructor(topic: string, bootstrap?: string) {
    this.#topic = topic;
    this.#producer = client(bootstrap).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 200 },
    });
  }

  async connect(): Promise<void> {
    await this.#producer.connect();
  }

  async send(records: readonly TestRecord[]): Promise<void> {
    await this.#producer.send({
      topic: this.#topic,
      acks: -1,
      messages: records.map(({ key, value }) => ({
        key: key as string,
        value: value === null ? null : Buffer.from(value as string),
      })),
    });
    this.sent += records.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer.disconnect();
  }
}

export function take(load: Load, count: number): TestRecord[] {
  return Array.from({ length: count }, () => load.next());
}

/** Sends `perSecond` readings a second, in bursts of very different sizes, until `stop` is called. */
export function pour(
  load: Load,
  into: { writer: Writer; perSecond: number; random: () => number },
): { stop: () => Promise<void> } {
  const { writer, perSecond, random } = into;
  const begun = Date.now();
  let going = true;
  async function run(): Promise<void> {
    for (let due = 0; going;) {
      const size = random() < 0.8 ? 1 + Math.floor(random() * 400) : Math.floor(random() * 8000);
      await writer.send(take(load, size + 1));
      due += size + 1;
      // A load has a rate: nothing is waited for here, only time passes.
      const ahead = due / perSecond * 1000 - (Date.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, ahead)));
    }
  }
  const running = run();
  return {
    stop: () => {
      going = false;
      return running;
    },
  };
}
