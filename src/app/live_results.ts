/** Results for those who look on while they are made. */
import type { Config } from "../config/config.ts";
import { STREAM_LIMITS, StreamReaders } from "../http/stream_readers.ts";
import type { Log } from "../pipeline/ports.ts";
import { ResultTail } from "../pipeline/result_tail.ts";
import type { State } from "../pipeline/state.ts";
import type { OpenedStore } from "../store/open.ts";

export interface LiveResults {
  /** Is told what was committed. */
  readonly tail: ResultTail;
  readonly readers: StreamReaders;
}

export function createLiveResults(options: {
  config: Pick<Config, "streamMaxReaders">;
  store: OpenedStore;
  state: State;
  log: Log;
  /** ms by a clock that can't be set back. */
  elapsed: () => number;
}): LiveResults {
  const { config, store, state, log, elapsed: now } = options;
  const tail = new ResultTail({ store, results: () => state.counters.results, now });
  const limits = { ...STREAM_LIMITS, readers: config.streamMaxReaders };
  return { tail, readers: new StreamReaders({ tail, limits, now, log }) };
}
