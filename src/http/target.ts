/** What a request is about: its target alone decides, whatever its headers say. */
import { Refusal } from "./request.ts";

/**
 * What may stand for a host in an address. The runtime puts `Host` in front of the target to make a
 * URL: anything that ends a host there (`/`, `?`, `#`) would be read as the path.
 */
const HOST = /^[\w.~!$&'()*+,;=:%[\]-]*$/;

/** Refuses what no route can take: a proxy's method, a host that is none, a body that is encoded on its way. */
export function refuseTarget({ method, headers }: Request): void {
  const host = headers.get("host") ?? "";
  if (!HOST.test(host)) {
    throw new Refusal(400, `host: expected a host and a port, got ${JSON.stringify(host)}`);
  }
  if (method === "CONNECT") {
    throw new Refusal(405, "CONNECT isn't allowed here: this is no proxy", {
      allow: "GET, HEAD, POST",
    });
  }
  const coding = headers.get("transfer-encoding")?.trim().toLowerCase() ?? "";
  if (coding !== "" && coding !== "chunked") {
    const got = JSON.stringify(coding);
    throw new Refusal(501, `transfer-encoding: expected chunked, got ${got}`, {
      connection: "close",
    });
  }
}
