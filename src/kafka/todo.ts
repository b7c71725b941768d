/** What a person can do about a failure; the engine itself only tries again. */

/** By what the failure says; the first that fits. */
const remedies: readonly [RegExp, string][] = [
  [
    /unknown.topic|none of this name/i,
    "create the topic, or name one that exists by INPUT_TOPIC and OUTPUT_TOPIC",
  ],
  [/authoriz/i, "allow the topic and the consumer group to this client in the broker's ACLs"],
  [
    /\bconnect|\bE(CONN|HOST|NET|TIMEDOUT|AI_|PIPE|NOTFOUND)|ENOTFOUND|timed? ?out/i,
    "see that the broker runs and that KAFKA_BROKER names it",
  ],
  [/leader|replica/i, "see the broker's log: a partition has no leader, or too few replicas"],
  [/database|disk/i, "make room on the disk of DATA_DIR, or mend it"],
];

export function todoFor(reason: string): string {
  const remedy = remedies.find(([pattern]) => pattern.test(reason));
  return remedy?.[1] ?? "see the broker's log, if this lasts";
}
