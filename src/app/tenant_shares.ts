/** Tenants' shares of the backlogs, over the sinks that are switched on. */
import type { Backlogs } from "../pipeline/backlogs.ts";
import type { JournalOutputFeed } from "../pipeline/output_feed.ts";
import type { Store } from "../pipeline/ports.ts";
import type { JournalStorageFeed } from "../pipeline/storage_feed.ts";
import { TenantShares } from "../pipeline/tenant_shares.ts";

export function createTenantShares(options: {
  store: Pick<Store, "journal">;
  backlogs: Backlogs;
  output: JournalOutputFeed | null;
  storage: JournalStorageFeed | null;
}): TenantShares {
  const { store, backlogs, ...feeds } = options;
  return new TenantShares({
    store,
    sinks: backlogs.limits().map(({ sink, limits }) => ({
      name: sink,
      maxBytes: limits.maxBytes,
      oldestNeeded: () => feeds[sink]!.oldestNeeded(),
    })),
  });
}
