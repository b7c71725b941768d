/** The Kafka client that this file's tests run over: the suites are the same for each. */
import { type KafkaClient, platformaticClient } from "../../src/kafka/client.ts";
import { kafkajsClient } from "../../src/kafka/kafkajs/client.ts";

export const clients: Readonly<Record<string, KafkaClient>> = {
  platformatic: platformaticClient,
  kafkajs: kafkajsClient,
};

const VARIABLE = "TEST_KAFKA_CLIENT";
/** Of this file alone: other files' tests run in the same process, with the same environment. */
let name = Deno.env.get(VARIABLE) ?? "platformatic";

/** For the rest of this file. */
export function useClient(chosen: "platformatic" | "kafkajs"): void {
  name = chosen;
}

/** @platformatic/kafka unless told. */
export function clientInUse(): KafkaClient {
  return clients[name];
}

/** Tells a program that a test starts which client is in use. */
export function clientVariable(): Record<string, string> {
  return { [VARIABLE]: name };
}
