/** One group with the clients of the old engines, over kafkajs. */
import { useClient } from "../client_in_use.ts";

useClient("kafkajs");
await import("../foreign_members_test.ts");
