/**
 * Names of devices in a list over tenants. A device's id where only one tenant has it,
 * `tenant_id/device_id` where several have. A `/` or `%` in the parts of such a long name is
 * percent-encoded, so that it has exactly one `/` and can be taken apart again.
 */

export interface NamedDevice {
  readonly tenant: string;
  readonly device: string;
  /** Another tenant has a device of the same id. */
  readonly shared: boolean;
}

/**
 * No two devices have the same name, on whatever page they stand. An id that only one tenant has stays
 * as it is unless it reads as the long name of a device that exists: then it takes its long name, too.
 */
export function deviceName(
  { tenant, device, shared }: NamedDevice,
  exists: (tenant: string, device: string) => boolean,
): string {
  if (!shared && !readsAsLong(device, exists)) return device;
  return `${encoded(tenant)}/${encoded(device)}`;
}

function readsAsLong(id: string, exists: (tenant: string, device: string) => boolean): boolean {
  const parts = id.split("/");
  if (parts.length !== 2 || !parts.every((it) => encoded(decoded(it)) === it)) return false;
  return exists(decoded(parts[0]), decoded(parts[1]));
}

function encoded(part: string): string {
  return part.replaceAll("%", "%25").replaceAll("/", "%2F");
}

function decoded(part: string): string {
  return part.replaceAll("%2F", "/").replaceAll("%25", "%");
}
