import { broker, client } from "./kafka.ts";

const TOPIC = 2;

/** The largest batch that the topic takes from now on. */
export async function setMaxMessageBytes(
  topic: string,
  bytes: number,
  bootstrap = broker(),
): Promise<void> {
  const admin = client(bootstrap).admin();
  await admin.connect();
  try {
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{
        type: TOPIC,
        name: topic,
        configEntries: [{ name: "max.message.bytes", value: String(bytes) }],
      }],
    });
  } finally {
    await admin.disconnect();
  }
}
