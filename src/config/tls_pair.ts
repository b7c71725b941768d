/** The certificate and key of the HTTP API. */
import type { ConfigFault } from "./faults.ts";
import { httpSettings } from "./http_settings.ts";
import { certificatesIn, fit, PemFault, privateKeyIn } from "./pem.ts";

/** Texts in PEM: the certificate with those between it and its authority, and its key. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

export interface TlsFiles {
  /** Paths; empty: there is none. */
  readonly tlsCert: string;
  readonly tlsKey: string;
}

/** undefined: the API isn't encrypted, or there are faults; they name the file and show nothing of it. */
export function readTlsPair(
  { tlsCert, tlsKey }: Partial<TlsFiles>,
  { read, faults }: { read: (path: string) => string; faults: ConfigFault[] },
): TlsPair | undefined {
  if (!tlsCert && !tlsKey) return undefined;
  function take<T>(
    key: "tlsCert" | "tlsKey",
    { path, parse }: { path: string; parse: (text: string) => T },
  ): T | undefined {
    const { name, allowed } = httpSettings[key];
    try {
      return parse(textOf(path, read));
    } catch (error) {
      if (!(error instanceof PemFault)) throw error;
      faults.push({ name, value: path, message: error.message, allowed });
      return undefined;
    }
  }
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const cert = take("tlsCert", {
    path: tlsCert,
    parse: (text) => tlsCert === "" ? missing("TLS_KEY") : certificatesIn(text),
  });
  return take("tlsKey", {
    path: tlsKey,
    parse: (text) => {
      if (tlsKey === "") return missing("TLS_CERT");
      const encrypted = text.includes("ENCRYPTED");
      const key = privateKeyIn(text, {
        wrong: encrypted ? "is encrypted, which isn't supported" : "holds no private key in PEM",
      });
      if (cert === undefined) return undefined;
      if (!fit(cert, key)) throw new PemFault("isn't the key of the first certificate in TLS_CERT");
      return { cert, key: String(key.export({ type: "pkcs8", format: "pem" })) };
    },
  });
}

function missing(other: string): never {
  throw new PemFault(`is needed with ${other}`);
}

function textOf(path: string, read: (path: string) => string): string {
  if (path === "") return "";
  try {
    return read(path);
  } catch (error) {
    throw new PemFault(`can't be read: ${(error as Error).message.replaceAll(path, "…")}`);
  }
}
