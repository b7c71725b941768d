/** The source's tests, over kafkajs. */
import { useClient } from "../client_in_use.ts";

useClient("kafkajs");
await import("../source_test.ts");
