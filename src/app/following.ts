/** Whoever follows batches through the engine: the log, at level debug, and traces. */
import type { Config } from "../config/config.ts";
import type { CommittedBatch, Log } from "../pipeline/ports.ts";
import { batchLine } from "../telemetry/batch_line.ts";
import type { Tracing } from "../telemetry/tracing/tracing.ts";

/** Loaded only where it is asked for; null: it isn't. */
export async function loadTracing(
  { openTelemetry }: Config,
  version: string,
): Promise<Tracing | null> {
  if (!openTelemetry) return null;
  const { createTracing } = await import("../telemetry/tracing/tracing.ts");
  return createTracing({ version });
}

/** What is to be told of each batch; undefined: nobody wants to know. */
export function followBatches(
  options: { config: Config; log: Log; tracing: Tracing | null },
): ((batch: CommittedBatch) => void) | undefined {
  const { config: { debug, logLevel }, log, tracing } = options;
  const logged = debug || logLevel === "debug";
  if (!logged && tracing === null) return undefined;
  return (batch) => {
    const traceId = tracing?.batch(batch);
    if (!logged) return;
    log.debug("a batch was committed", {
      ...batchLine(batch),
      ...(traceId !== undefined && { trace_id: traceId }),
    });
  };
}
