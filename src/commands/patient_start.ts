/** A data folder that can't be opened now is waited for: whoever asks over HTTP is told. */
import { listening } from "../app/listening.ts";
import { type EngineOptions, type RunningEngine, startEngine } from "../app.ts";
import { configWarnings } from "../config/config.ts";
import { openDoor } from "../http/door.ts";
import { createWaitingApi } from "../http/waiting.ts";
import { StoreDamaged, StoreUnavailable } from "../pipeline/ports.ts";

/** How often a data folder is tried that can't be opened now: from the one to the other, doubling. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 8_000;
const CLOSE_MS = 9_000;

/**
 * Starts the engine. Where the disk is full, or the file locked, the answer is one that waits, says so
 * over HTTP, and begins when it can. Throws as `startEngine` does for everything else.
 */
export function startPatiently(options: EngineOptions): RunningEngine {
  for (const warning of configWarnings(options.config)) options.log.warn(warning);
  try {
    return startEngine(options);
  } catch (error) {
    if (!isPassing(error)) throw error;
    return startLater(options, error.message);
  }
}

function isPassing(error: unknown): error is StoreUnavailable {
  return error instanceof StoreUnavailable && !(error instanceof StoreDamaged);
}

function startLater(options: EngineOptions, cause: string): RunningEngine {
  const { config, log } = options;
  let reason = cause;
  const door = openDoor({
    app: createWaitingApi({
      reason: () => reason,
      kafka: config.kafkaEnabled ? "connecting" : "disabled",
      wallClock: Date.now,
    }),
    ...listening(config),
    log,
  });
  const { address } = door;
  log.error("the data folder can't be opened: the engine begins when it can", {
    address,
    cause,
    todo: "make room on the disk of DATA_DIR, or mend it",
  });
  const failed = Promise.withResolvers<unknown>();
  let engine: RunningEngine | undefined;
  let timer: ReturnType<typeof setTimeout>;
  function tryAfter(ms: number): void {
    timer = setTimeout(() => {
      try {
        engine = startEngine(options, door);
        engine.failed.then(failed.resolve);
      } catch (error) {
        if (!isPassing(error)) return failed.resolve(error);
        reason = error.message;
        tryAfter(Math.min(2 * ms, LONGEST_RETRY_MS));
      }
    }, ms);
  }
  async function stop(): Promise<boolean> {
    clearTimeout(timer);
    if (engine !== undefined) return await engine.stop();
    await door.close(CLOSE_MS);
    log.info("plumbline has stopped: it never began");
    return true;
  }
  tryAfter(FIRST_RETRY_MS);
  return {
    address,
    failed: failed.promise,
    // One that waits is alive.
    failure: () => engine?.failure(),
    reload: () => engine?.reload(),
    stop,
  };
}
