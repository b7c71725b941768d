import { type Backlogs } from "./backlogs.ts";
import { type LowDisk } from "./low_disk.ts";
import { type JournalOutputFeed } from "./output_feed.ts";

/** While the sink keeps up, reading waits for it at so many bytes in flight: more would only fill memory. */
const MAX_IN_FLIGHT_BYTES = 24_000_000;
/** A sink that has acknowledged nothing for so long isn't waited for: its rows are read from SQLite later. */
const ACKNOWLEDGED_LATELY_MS = 1_000;
const ROOM_CHECK_MS = 50;

export interface RoomOptions {
  readonly output: JournalOutputFeed | null;
  /** Whether the output topic takes rows at the moment. */
  readonly outputHealthy: () => boolean;
  readonly backlogs: Backlogs;
  readonly disk?: LowDisk;
  readonly now: () => number;
}

/** Waits for the output topic while it keeps up, and in any case for room: in the backlogs, on the disk. */
export async function waitForRoom(
  options: RoomOptions,
  { relieve, isStopping }: { relieve: () => void; isStopping: () => boolean },
): Promise<void> {
  const { output, backlogs, disk } = options;
  while (!isStopping()) {
    relieve();
    const low = disk?.check() !== undefined;
    if (!backlogs.full && !low && !isBusy(options)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ROOM_CHECK_MS);
      output?.onAcknowledged(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** The output topic takes rows, but not as fast as they come. */
function isBusy({ output, outputHealthy, now }: RoomOptions): boolean {
  return output !== null && output.memoryBytes > MAX_IN_FLIGHT_BYTES && outputHealthy() &&
    Math.abs(now() - output.acknowledgedAt) < ACKNOWLEDGED_LATELY_MS;
}
