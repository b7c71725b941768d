/** The settings of what waits for the sinks: one for both, and one for each that takes its place. */
import { type Setting, setting } from "./setting.ts";
import { byteSize, duration, parsePolicy } from "./values.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

const maxBytes = {
  allowed: "16MiB to 1024GiB: bytes, or a number with KiB, MiB or GiB",
  parse: byteSize(16 * MIB, 1024 * GIB),
};

const maxAge = {
  allowed: "a number with s, m, h or d, up to 3650d; 0: no limit",
  parse: duration(3650 * 86_400_000),
};

const policy = { allowed: "block, drop_oldest or drop_newest", parse: parsePolicy };

export const backlogSettings = {
  backlogMaxBytes: setting({
    ...maxBytes,
    name: "BACKLOG_MAX_BYTES",
    default: "4GiB",
    meaning: "Size of the results that may wait for a sink; each has its own backlog.",
  }),
  backlogMaxAge: setting({
    ...maxAge,
    name: "BACKLOG_MAX_AGE",
    default: "0",
    meaning: "How long the oldest result may wait for a sink.",
  }),
  backlogPolicy: setting({
    ...policy,
    name: "BACKLOG_POLICY",
    default: "block",
    meaning: "What happens beyond either limit: no more is read (block), or results are dropped.",
  }),
  outputBacklogMaxBytes: ownSetting(maxBytes, { name: "OUTPUT_BACKLOG_MAX_BYTES" }),
  outputBacklogMaxAge: ownSetting(maxAge, { name: "OUTPUT_BACKLOG_MAX_AGE" }),
  outputBacklogPolicy: ownSetting(policy, { name: "OUTPUT_BACKLOG_POLICY" }),
  storageBacklogMaxBytes: ownSetting(maxBytes, { name: "STORAGE_BACKLOG_MAX_BYTES" }),
  storageBacklogMaxAge: ownSetting(maxAge, { name: "STORAGE_BACKLOG_MAX_AGE" }),
  storageBacklogPolicy: ownSetting(policy, { name: "STORAGE_BACKLOG_POLICY" }),
};

/** A setting of one sink; empty: the one for both holds. */
function ownSetting<T>(
  { allowed, parse }: Pick<Setting<T>, "allowed" | "parse">,
  { name }: { name: string },
): Setting<T | ""> {
  const both = name.replace(/^[A-Z]+_/, "");
  const sink = name.startsWith("OUTPUT") ? "the output topic" : "the storage service";
  return setting({
    name,
    default: "",
    emptyMeans: `as ${both}`,
    allowed,
    meaning: `${both} for ${sink}.`,
    parse: (text: string) => text === "" ? "" : parse(text),
  });
}

type Values = {
  readonly [K in keyof typeof backlogSettings]: ReturnType<(typeof backlogSettings)[K]["parse"]>;
};

/** The limits of a sink's backlog. */
export function backlogLimits(values: Values, sink: "output" | "storage") {
  return {
    maxBytes: given(values[`${sink}BacklogMaxBytes`], values.backlogMaxBytes),
    maxAgeMs: given(values[`${sink}BacklogMaxAge`], values.backlogMaxAge),
    policy: given(values[`${sink}BacklogPolicy`], values.backlogPolicy),
  };
}

function given<T>(own: T | "", both: T): T {
  return own === "" ? both : own;
}
