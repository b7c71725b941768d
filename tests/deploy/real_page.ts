/** A page of metrics from a real process. */
import { StandIn } from "../storage_service/stand_in.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

/** The page of an engine with both sinks, Kafka being away. */
export async function realPage(): Promise<string> {
  using folder = tempFolder("page-");
  await using storage = new StandIn();
  await using program = await startProgram({
    env: {
      KAFKA_BROKER: "127.0.0.1:9",
      STORAGE_SERVICE_URL: `${storage.url}/base`,
      BACKLOG_MAX_AGE: "1h",
      DATA_DIR: folder.path,
    },
  });
  const address = await program.ready("/health/live");
  await (await fetch(`${address}/api/data`, { method: "POST", body: '{"device_id":"a"}' })).text();
  return await (await fetch(`${address}/metrics`)).text();
}
