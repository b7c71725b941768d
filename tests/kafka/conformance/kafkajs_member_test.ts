/** The member's tests, over kafkajs. */
import { useClient } from "../client_in_use.ts";

useClient("kafkajs");
await import("../member_test.ts");
