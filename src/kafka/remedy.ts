/** What a person can do about a failure; the engine itself only tries again. */

export interface Remedy {
  readonly todo: string;
  /** It often passes by itself: brokers start, leaders move, topics are made when they are asked for. */
  readonly patient: boolean;
}

/** By what the failure says; the first that fits. */
const remedies: readonly [RegExp, Remedy][] = [
  [
    /unknown.topic|none of this name/i,
    {
      todo: "create the topic, or name one that exists by INPUT_TOPIC and OUTPUT_TOPIC",
      patient: true,
    },
  ],
  [
    /authoriz/i,
    {
      todo: "allow the topic and the consumer group to this client in the broker's ACLs",
      patient: false,
    },
  ],
  [
    /\bconnect|\bE(CONN|HOST|NET|TIMEDOUT|AI_|PIPE|NOTFOUND)|timed? ?out/i,
    { todo: "see that the broker runs and that KAFKA_BROKER names it", patient: false },
  ],
  [
    /leader|replica/i,
    {
      todo: "see the broker's log: a partition has no leader, or too few replicas",
      patient: true,
    },
  ],
  [
    /database|disk/i,
    { todo: "make room on the disk of DATA_DIR, or mend it", patient: false },
  ],
];

const unknown: Remedy = { todo: "see the broker's log", patient: true };

export function remedyFor(reason: string): Remedy {
  return remedies.find(([pattern]) => pattern.test(reason))?.[1] ?? unknown;
}
