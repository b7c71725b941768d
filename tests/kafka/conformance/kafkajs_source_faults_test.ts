/** The source's tests with faults, over kafkajs. */
import { useClient } from "../client_in_use.ts";

useClient("kafkajs");
await import("../source_faults_test.ts");
