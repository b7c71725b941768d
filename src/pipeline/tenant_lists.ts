import { type DeviceVisitor } from "./found_devices.ts";
import { type FoundTenant, FoundTenants } from "./found_tenants.ts";
import {
  type ListedTenant,
  type SettingsInForce,
  type TenantLists,
  type TenantPage,
  type TenantQuery,
  type TenantSettings,
} from "./ports.ts";
import { type State } from "./state.ts";

/** The tenants' file, as far as lists show it. */
export interface NamedTenants {
  readonly named: ReadonlyMap<string, { readonly displayName: string }>;
  readonly defaults: TenantSettings;
  readonly acceptsUnknown: boolean;
}

/** Names that are looked at in one step. */
const NAMES = 5000;
/** Tenants whose settings are looked up in one step. */
const TENANTS = 200;

export interface TenantListsOptions {
  /** Visits every device there is. */
  readonly devices: {
    visit<V extends DeviceVisitor>(begin: () => V): Generator<undefined, V>;
  };
  /** In force now. */
  readonly file: () => NamedTenants;
  /** Of a tenant, in force now; undefined: its readings aren't taken. */
  readonly settings: (tenant: string) => TenantSettings | undefined;
  /** Length of windows where a tenant has none of its own. */
  readonly maxReadings: number;
  readonly now: () => number;
}

export class StateTenantLists implements TenantLists {
  readonly #state: State;
  readonly #options: TenantListsOptions;

  constructor(state: State, options: TenantListsOptions) {
    this.#state = state;
    this.#options = options;
  }

  *list(query: TenantQuery): Generator<undefined, TenantPage> {
    const { devices, file } = this.#options;
    const found = yield* devices.visit(() => new FoundTenants(query));
    let names = 0;
    for (const name of file().named.keys()) {
      found.name(name);
      if (++names % NAMES === 0) yield;
    }
    const { tenants, next } = found.page();
    const listed: ListedTenant[] = [];
    for (const tenant of tenants) {
      listed.push(this.#listed(tenant));
      if (listed.length % TENANTS === 0) yield;
    }
    return { tenants: listed, next };
  }

  others(): SettingsInForce | undefined {
    const { defaults, acceptsUnknown } = this.#options.file();
    return acceptsUnknown ? this.#inForce(defaults) : undefined;
  }

  #listed({ tenant, devices, results, lastProcessed }: FoundTenant): ListedTenant {
    const { file, settings, now } = this.#options;
    const named = file().named.get(tenant);
    const own = settings(tenant);
    const rate = this.#state.engine.fleet.rateOf(tenant);
    return {
      tenant,
      displayName: named?.displayName ?? tenant,
      isNamed: named !== undefined,
      settings: own === undefined ? undefined : this.#inForce(own),
      rate: rate && { burst: rate.burst, available: rate.available(now()) },
      devices,
      results,
      lastProcessed: Number.isNaN(lastProcessed) ? null : lastProcessed,
    };
  }

  #inForce(settings: TenantSettings): SettingsInForce {
    return { ...settings, maxReadings: settings.maxReadings ?? this.#options.maxReadings };
  }
}
