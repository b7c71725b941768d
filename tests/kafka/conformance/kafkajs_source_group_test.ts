/** The source's tests with other members in its group, over kafkajs. */
import { useClient } from "../client_in_use.ts";

useClient("kafkajs");
await import("../source_group_test.ts");
