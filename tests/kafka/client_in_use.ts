/** The Kafka client that this file's tests run over: the suites are the same for each. */
import { type KafkaClient, platformaticClient } from "../../src/kafka/client.ts";
import { kafkajsClient } from "../../src/kafka/kafkajs/client.ts";

export const clients: Readonly<Record<string, KafkaClient>> = {
  platformatic: platformaticClient,
  kafkajs: kafkajsClient,
};

const VARIABLE = "TEST_KAFKA_CLIENT";

/** For the rest of this file, and for programs that its tests start. */
export function useClient(name: "platformatic" | "kafkajs"): void {
  Deno.env.set(VARIABLE, name);
}

/** @platformatic/kafka unless told. */
export function clientInUse(): KafkaClient {
  return clients[Deno.env.get(VARIABLE) ?? "platformatic"];
}
