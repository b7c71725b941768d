/** The source's tests behind a proxy that loses things, over kafkajs. */
import { useClient } from "../client_in_use.ts";

useClient("kafkajs");
await import("../source_outage_test.ts");
