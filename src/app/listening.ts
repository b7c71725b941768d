/** How the API listens. */
import type { Config } from "../config/config.ts";
import type { ServeOptions } from "../http/serve.ts";

export function listening(config: Config): Pick<ServeOptions, "host" | "port" | "limits"> {
  const { host, port, maxConnections } = config;
  return { host, port, limits: { maxConnections } };
}
