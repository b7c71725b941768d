/** What MODE=shadow makes of the other settings: an engine that nobody notices who isn't told of it. */
import type { ConfigFault } from "./faults.ts";
import { type Setting, settings, type SettingValues } from "./settings.ts";
import { NotAllowed } from "./values.ts";

const SUFFIX = ".shadow";

/**
 * The settings as they hold in the shadow: a group and topics of its own, no storage service. What would
 * leave nothing to compare is a fault. A value that was at fault itself is undefined here.
 */
export function inShadow(
  values: Partial<SettingValues>,
  faults: ConfigFault[],
): Partial<SettingValues> {
  const { kafkaEnabled, outputTopic, deadLetterTopic, group } = values;
  if (kafkaEnabled === false) {
    const message = "leaves a shadow nothing to read: MODE=shadow reads what another engine reads";
    faults.push({ name: settings.kafkaEnabled.name, value: "false", message, allowed: "true" });
  }
  if (outputTopic === "") {
    const message = "leaves a shadow no topic: MODE=shadow sends to <OUTPUT_TOPIC>.shadow";
    faults.push({
      name: settings.outputTopic.name,
      value: "",
      message,
      allowed: "a Kafka topic's name",
    });
  }
  return {
    ...values,
    ...(group !== undefined && { group: suffixed(settings.group, { value: group, faults }) }),
    ...(outputTopic && {
      outputTopic: suffixed(settings.outputTopic, { value: outputTopic, faults }),
    }),
    ...(deadLetterTopic && {
      deadLetterTopic: suffixed(settings.deadLetterTopic, { value: deadLetterTopic, faults }),
    }),
    storageUrl: "",
  };
}

function suffixed(
  { name, allowed, parse }: Setting<string>,
  { value, faults }: { value: string; faults: ConfigFault[] },
): string | undefined {
  try {
    return parse(value + SUFFIX);
  } catch (error) {
    if (!(error instanceof NotAllowed)) throw error;
    const message = `${error.message} with ${SUFFIX} behind it, as MODE=shadow has it`;
    faults.push({ name, value, message, allowed });
    return undefined;
  }
}
