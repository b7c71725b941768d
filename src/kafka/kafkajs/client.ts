/** Everything that speaks to Kafka by kafkajs. Loaded only where KAFKA_CLIENT asks for it. */
import type { KafkaClient } from "../client.ts";
import { KafkajsMember } from "./member.ts";
import { createKafkajsOutput } from "./output.ts";
import { KafkajsReader } from "./reader.ts";

export const kafkajsClient: KafkaClient = {
  source: {
    reader: (options) => new KafkajsReader(options),
    member: (options) => new KafkajsMember(options),
  },
  createOutput: createKafkajsOutput,
};
