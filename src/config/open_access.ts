/** Who gets in without a token: nobody but programs on this machine, unless somebody has said so. */
import type { Token } from "../core/token.ts";
import type { SettingValues } from "./settings.ts";
import { isLoopback } from "./values.ts";

export type Address = Pick<SettingValues, "host" | "allowAnonymous">;

/** Whether strangers could reach an API that asks for no token. A value at fault itself isn't judged. */
export function tokensMissing(
  { host, allowAnonymous }: Partial<Address>,
  tokens: readonly Token[],
): boolean {
  if (tokens.length > 0 || host === undefined || allowAnonymous === undefined) return false;
  return !isLoopback(host) && !allowAnonymous;
}

/** Things about the access that are allowed, but seldom meant; a sentence each. */
export function accessWarnings(
  config: Address & Pick<SettingValues, "metricsPublic" | "tlsCert"> & {
    readonly tenants: { readonly tokens: readonly Token[] };
  },
): string[] {
  const { host, allowAnonymous, metricsPublic, tlsCert } = config;
  const { tokens } = config.tenants;
  const warnings: string[] = [];
  if (tokens.length > 0 && allowAnonymous) {
    warnings.push("ALLOW_ANONYMOUS=true has no effect: TENANTS_FILE has tokens");
  }
  if (tokens.length === 0 && !isLoopback(host)) {
    warnings.push(
      "ALLOW_ANONYMOUS=true: everybody who can reach HOST reads, writes and deletes without a token",
    );
  }
  if (tokens.length > 0 && tlsCert === "" && !isLoopback(host)) {
    warnings.push(
      "tokens and data go over the network as they are: TLS_CERT and TLS_KEY encrypt them, or a proxy " +
        "in front that does",
    );
  }
  if (tokens.length === 0 && metricsPublic) {
    warnings.push("METRICS_PUBLIC=true has no effect: TENANTS_FILE has no tokens");
  }
  return warnings;
}
