/** Whether the storage service can be reached, without giving it anything to store. */

export interface StorageFacts {
  readonly status: number;
  /** What the service takes for the time, ms since 1970; undefined: it doesn't say. */
  readonly time: number | undefined;
}

/** A GET of the address that results are posted to. Rejects where there is no answer in time. */
export async function reachStorage(
  url: string,
  { fetch, signal }: { fetch: typeof globalThis.fetch; signal: AbortSignal },
): Promise<StorageFacts> {
  const response = await fetch(`${url}/api/store`, { redirect: "manual", signal });
  await response.body?.cancel();
  const time = Date.parse(response.headers.get("date") ?? "");
  return { status: response.status, time: Number.isNaN(time) ? undefined : time };
}
