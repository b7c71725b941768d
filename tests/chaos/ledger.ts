/** What a storage service was asked to store by one engine: the contract's section 2, and each device's order. */
import type { Request } from "./request_reader.ts";

const EXAMPLES = 5;

export class Ledger {
  /** What is stored, by id: the bytes as text. */
  readonly stored = new Map<string, string>();
  /** Ids that were answered by 400 or the like. */
  readonly refused = new Set<string>();
  /** Requests that weren't as the contract wants them; the first few. */
  readonly faults: string[] = [];
  /** Posts of what was stored before. */
  repeated = 0;
  /** Requests, whatever they were answered. */
  asked = 0;
  /** Stored in an earlier part of the run. */
  #earlier = new Set<string>();
  /** Offset of each device's newest result, by tenant and device. */
  readonly #newest = new Map<string, number>();

  check({ method, path, headers, body }: Request): void {
    this.asked++;
    const { id } = JSON.parse(body);
    const type = headers.get("content-type");
    const key = headers.get("idempotency-key");
    if (method !== "POST" || path !== "/api/store") this.#fault(`${method} ${path}`);
    if (type !== "application/json" || key !== id) this.#fault(`${type} ${key} for ${id}`);
  }

  store(body: string): void {
    const { id, tenant_id, device_id } = JSON.parse(body);
    const known = this.stored.get(id);
    if (known !== undefined || this.#earlier.has(id)) {
      this.repeated++;
      if ((known ?? body) !== body) this.#fault(`${id} again with other bytes`);
      return;
    }
    this.stored.set(id, body);
    // An id from Kafka ends with its offset; a device has one partition.
    const offset = Number(/-(\d+)$/.exec(id)?.[1] ?? NaN);
    if (Number.isNaN(offset)) return;
    const device = `${tenant_id}/${device_id}`;
    const newest = this.#newest.get(device) ?? -1;
    // Refused, then killed before that was written: it is posted again, behind what had followed it.
    if (offset < newest && !this.refused.has(id)) {
      this.#fault(`${id} of ${device} after offset ${newest}`);
    }
    this.#newest.set(device, Math.max(offset, newest));
  }

  refuse(body: string, status: number): void {
    if (status >= 400 && status < 500 && ![401, 403, 429].includes(status)) {
      this.refused.add(JSON.parse(body).id);
    }
  }

  /** What is stored so far was looked at: only the ids are kept, for what may come again. */
  close(): void {
    this.#earlier = new Set(this.stored.keys());
    this.stored.clear();
    this.refused.clear();
    this.repeated = 0;
  }

  #fault(what: string): void {
    if (this.faults.length < EXAMPLES) this.faults.push(what);
  }
}
