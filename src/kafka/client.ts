/** A library that speaks to Kafka, as the program chooses it. Each has its own files. */
import type { Sink } from "../pipeline/ports.ts";
import { Fetcher, type FetcherOptions, type TopicReader } from "./fetch.ts";
import { GroupMember, type Membership } from "./member.ts";
import type { MemberOptions } from "./tenure.ts";
import { createKafkaOutput, type KafkaOutputOptions } from "./output.ts";

/** What the source needs of a client; where reading begins and goes on is decided by the source. */
export interface SourceClient {
  reader(options: FetcherOptions): TopicReader;
  member(options: MemberOptions): Membership;
}

export interface KafkaClient {
  readonly source: SourceClient;
  /** Drains the journal into the output topic. Throws at once where an address isn't `host:port`. */
  createOutput(options: KafkaOutputOptions): Sink;
}

export const platformaticClient: KafkaClient = {
  source: {
    reader: (options) => new Fetcher(options),
    member: (options) => new GroupMember(options),
  },
  createOutput: createKafkaOutput,
};
