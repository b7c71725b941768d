/** A Kafka topic as the target of a simulation: the device is the key, so a device stays in order. */
import { kafka } from "../../deps.ts";
import { type ClusterSecurity, connectionOptions } from "../kafka/connection_options.ts";
import { readingText, type SimulatedReading } from "../simulation/simulation.ts";
import { reasonOf } from "./reason.ts";
import type { Delivery, Target } from "./simulation_target.ts";

export function kafkaTarget(
  to: { brokers: readonly string[]; security: ClusterSecurity; topic: string },
): Target {
  const { brokers, security, topic } = to;
  const producer = new kafka.Producer({
    ...connectionOptions({ brokers, security, clientId: "plumbline-simulate" }),
    serializers: kafka.stringSerializers,
    partitioner: kafka.compatibilityPartitioner,
    acks: kafka.ProduceAcks.ALL,
  });

  async function send(readings: readonly SimulatedReading[]): Promise<Delivery> {
    try {
      const messages = readings.map((reading) => ({
        topic,
        key: reading.device,
        value: readingText(reading),
      }));
      await producer.send({ messages });
      return { accepted: readings.length, rejected: [], unsent: [] };
    } catch (error) {
      return {
        accepted: 0,
        rejected: [],
        unsent: readings,
        failure: { message: reasonOf(error) },
      };
    }
  }

  return {
    name: `${brokers.join(",")}, topic ${topic}`,
    maxBatch: 2000,
    send,
    close: () => producer.close(true),
  };
}
