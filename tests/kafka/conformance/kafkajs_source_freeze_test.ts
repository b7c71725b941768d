/** The source's tests with a frozen process, over kafkajs. */
import { useClient } from "../client_in_use.ts";

useClient("kafkajs");
await import("../source_freeze_test.ts");
