import type { WatchedFiles } from "./files.ts";
import { type Address, tokensMissing } from "./open_access.ts";
import { lookupIn, readTenants, type TenantLookup, type Tenants } from "./tenants.ts";

/** The tenants' file, and which reading of it is in force. */
export class TenantsFile {
  readonly #path: string;
  readonly #files: WatchedFiles;
  readonly #address: Address;
  #lookup: TenantLookup;
  #tenants: Tenants;

  constructor(path: string, of: { files: WatchedFiles; tenants: Tenants; address: Address }) {
    this.#path = path;
    this.#files = of.files;
    this.#address = of.address;
    this.#tenants = of.tenants;
    this.#lookup = lookupIn(of.tenants);
  }

  /** In force now. */
  get tenants(): Tenants {
    return this.#tenants;
  }

  /** Answers by what is in force at the moment of the call. */
  readonly settings: TenantLookup = (tenant) => this.#lookup(tenant);

  /** Another text whenever the file may have changed; undefined: it isn't there. */
  look(): string | undefined {
    return this.#files.stamp(this.#path);
  }

  /** Reads and checks it; nothing of it is in force before `use`. */
  read():
    | { readonly faults: readonly string[] }
    | { readonly named: number; readonly warnings: readonly string[]; use(): void } {
    const faults: string[] = [];
    const report = (message: string) => void faults.push(message);
    const tenants = readTenants(this.#path, { files: this.#files, report });
    if (faults.length === 0 && tokensMissing(this.#address, tenants.tokens)) {
      const { host } = this.#address;
      report(`tokens: expected at least one, HOST=${host} can be reached from other machines`);
    }
    if (faults.length > 0) return { faults };
    const opened = this.#tenants.tokens.length > 0 && tenants.tokens.length === 0;
    return {
      named: tenants.named.size,
      warnings: opened
        ? ["there are no tokens any more: every program that gets here may ask"]
        : [],
      use: () => {
        this.#tenants = tenants;
        this.#lookup = lookupIn(tenants);
      },
    };
  }
}
