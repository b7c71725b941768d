/**
 * Readings at a steady rate into a topic, from a process of its own: `kafka_load.ts <bootstrap> <topic>
 * <readings a second> <seconds>`. Started by `startKafkaLoad`.
 */
import { makeProducer, messageOf } from "./load.ts";

const STEP_MS = 20;
/** Readings in one request: four partitions of a megabyte take more than this. */
const MAX_SEND = 10_000;

async function pour(
  to: { bootstrap: string; topic: string; rate: number; seconds: number },
): Promise<void> {
  const { topic, rate, seconds } = to;
  const producer = makeProducer(to.bootstrap);
  const begun = performance.now();
  const pending = new Set<Promise<unknown>>();
  for (let number = 0; number < rate * seconds;) {
    const reached = Math.ceil((performance.now() - begun) / 1000 * rate);
    const due = Math.min(rate * seconds, reached, number + MAX_SEND);
    const messages = [];
    for (; number < due; number++) messages.push(messageOf(number, { topic }));
    if (messages.length > 0) {
      const sending = producer.send({ messages, acks: -1 });
      pending.add(sending);
      void sending.then(() => pending.delete(sending));
    }
    await new Promise((resolve) => setTimeout(resolve, due < reached ? 0 : STEP_MS));
  }
  await Promise.all(pending);
  await producer.close();
}

/** Resolves when the last reading was sent. */
export async function startKafkaLoad(
  to: { bootstrap: string; topic: string; rate: number; seconds: number },
): Promise<void> {
  const { bootstrap, topic, rate, seconds } = to;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename!, bootstrap, topic, String(rate), String(seconds)],
  }).output();
  if (code === 0) return;
  throw new Error(
    `The load on ${topic} ended with code ${code}:\n${new TextDecoder().decode(stderr)}`,
  );
}

if (import.meta.main) {
  const [bootstrap, topic, rate, seconds] = Deno.args;
  await pour({ bootstrap, topic, rate: Number(rate), seconds: Number(seconds) });
}
