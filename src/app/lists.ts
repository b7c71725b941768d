/** The lists of devices and tenants, over what the engine knows and the tenants' file. */
import type { TenantsFile } from "../config/tenants_file.ts";
import { StateDeviceLists } from "../pipeline/device_lists.ts";
import type { Store } from "../pipeline/ports.ts";
import type { State } from "../pipeline/state.ts";
import { StateTenantLists } from "../pipeline/tenant_lists.ts";

export function createLists(
  state: State,
  of: { store: Store; file: TenantsFile; maxReadings: number; now: () => number },
) {
  const { store, file, maxReadings, now } = of;
  const devices = new StateDeviceLists(state, { store });
  const tenants = new StateTenantLists(state, {
    devices,
    file: () => file.tenants,
    settings: file.settings,
    maxReadings,
    now,
  });
  return { devices, tenants };
}
