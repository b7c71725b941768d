/** Kafka to Kafka: from a reading's sending to its result in the hands of a consumer. */
import { Consumer } from "@platformatic/kafka";
import { Buffer } from "node:buffer";
import { topicName } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { makeProducer, messageOf } from "./load.ts";
import { CpuMeter } from "./machine.ts";
import { reached, type Stage, startEngine } from "./stage.ts";
import { type Figures, quantile } from "./table.ts";

const WARM_SECONDS = 3;
const SECONDS = 12;
/** Every 1,000th reading is malformed; numbers below that aren't, whatever the rate. */
const VALID_OF_1000 = 999;

/** A tenant that sends the same devices' readings beside those that are measured. */
export interface Flood {
  readonly perSecond: number;
  /** Its quota. */
  readonly allowed: number;
}

const LOUD = '"tenant_id":"loud"';

/** `rate`: readings a second. */
export async function measureLatency(
  stage: Stage,
  rate: number,
  flood?: Flood,
): Promise<Figures> {
  const [input, output] = [await stage.topic("bench-in"), await stage.topic("bench-out")];
  using folder = tempFolder("bench-tenants-");
  const tenants = `${folder.path}/tenants.json`;
  const quotas = { readings_per_second: flood?.allowed ?? 1, burst: flood?.allowed ?? 1 };
  Deno.writeTextFileSync(tenants, JSON.stringify({ tenants: { loud: { quotas } } }));
  await using engine = await startEngine(stage, { input, output, env: { TENANTS_FILE: tenants } });
  const producer = makeProducer(stage.broker.bootstrap);
  const consumer = new Consumer({
    clientId: "bench",
    groupId: topicName("bench"),
    bootstrapBrokers: [stage.broker.bootstrap],
    maxWaitTime: 500,
    minBytes: 1,
  });
  const stream = await consumer.consume({ topics: [output], mode: "earliest", autocommit: false });
  // One reading through the whole road: the start isn't measured.
  await producer.send({ messages: [messageOf(0, { topic: input })], acks: -1 });
  await reached(stage, output, { end: 1, engine });

  const cpu = new CpuMeter({ engine: engine.program.pid, broker: stage.broker.pid });
  const latencies: number[] = [];
  const total = rate * (WARM_SECONDS + SECONDS);
  const expected = Math.floor(total / 1000) * VALID_OF_1000 + Math.min(total % 1000, VALID_OF_1000);
  const collecting = collect(stream, {
    skip: 1 + rate * WARM_SECONDS,
    end: expected + 1,
    latencies,
  });
  const flooding = flood === undefined ? undefined : send(
    flood.perSecond * (WARM_SECONDS + SECONDS),
    { rate: flood.perSecond, topic: input, producer, asTenant: LOUD },
  );
  await send(total, { rate, topic: input, producer });
  await flooding;
  await collecting;
  const used = cpu.read();
  await stream.close();
  await consumer.close(true);
  await producer.close();
  await engine.program.kill("SIGTERM");
  return {
    "p50 ms": quantile(latencies, 0.5),
    "p99 ms": quantile(latencies, 0.99),
    "max ms": Math.max(...latencies),
    "engine CPU %": used.engine / (WARM_SECONDS + SECONDS) * 100,
    "broker CPU %": used.broker / (WARM_SECONDS + SECONDS) * 100,
  };
}

/** What is due is sent at once, without waiting for what was sent before. */
async function send(
  total: number,
  to: {
    rate: number;
    topic: string;
    producer: ReturnType<typeof makeProducer>;
    /** What stands in each reading instead of its tenant. */
    asTenant?: string;
  },
): Promise<void> {
  const begun = performance.now();
  const pending: Promise<unknown>[] = [];
  for (let number = 0; number < total;) {
    const due = Math.min(total, Math.ceil((performance.now() - begun) / 1000 * to.rate));
    const messages = [];
    for (; number < due; number++) {
      const message = messageOf(number, { topic: to.topic, time: preciseNow() });
      messages.push(
        to.asTenant === undefined ? message : { ...message, value: ofTenant(message, to.asTenant) },
      );
    }
    if (messages.length > 0) pending.push(to.producer.send({ messages, acks: -1 }));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
}

function ofTenant({ value }: { value: Buffer }, tenant: string): Buffer {
  return Buffer.from(value.toString().replace(/"tenant_id":"[^"]*"/, tenant));
}

/** Now, to the microsecond: a record's own timestamp has milliseconds only. */
function preciseNow(): string {
  const now = performance.timeOrigin + performance.now();
  const micros = String(Math.floor((now % 1) * 1000)).padStart(3, "0");
  return new Date(now).toISOString().replace("Z", `${micros}Z`);
}

async function collect(
  stream: AsyncIterable<{ value: Uint8Array }>,
  into: { skip: number; end: number; latencies: number[] },
): Promise<void> {
  const decoder = new TextDecoder();
  let seen = 0;
  for await (const { value } of stream) {
    const now = performance.timeOrigin + performance.now();
    if (decoder.decode(value).includes(LOUD)) continue;
    if (++seen > into.skip) {
      const [, milliseconds, micros] =
        /"timestamp":"([^"]{23})(\d{3})Z"/.exec(decoder.decode(value)) ?? [];
      into.latencies.push(now - Date.parse(`${milliseconds}Z`) - Number(micros) / 1000);
    }
    if (seen === into.end) return;
  }
}
