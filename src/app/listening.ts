/** How the API listens. */
import type { Config } from "../config/config.ts";
import type { ServeOptions } from "../http/serve.ts";

export function listening(config: Config): Pick<ServeOptions, "host" | "port" | "limits" | "tls"> {
  const { host, port, tls, maxConnections } = config;
  return { host, port, tls, limits: { maxConnections } };
}
