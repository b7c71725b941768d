import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** What is wrong with a file of certificates or a key; goes on behind a setting's name. */
export class PemFault extends Error {
  override readonly name = "PemFault";
}

/** The certificates in a text, if every one of them is one. Throws `PemFault`. */
export function certificatesIn(text: string): string {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw new PemFault("holds no certificate in PEM");
  try {
    for (const certificate of found) new X509Certificate(certificate);
  } catch (error) {
    throw new PemFault(`has a damaged certificate: ${(error as Error).message}`);
  }
  return found.join("\n");
}

/** The key in a text. Throws `PemFault` with `wrong` where it doesn't open, without anything of it. */
export function privateKeyIn(
  text: string,
  { passphrase, wrong }: { passphrase?: string; wrong: string },
): KeyObject {
  try {
    return createPrivateKey({ key: text, format: "pem", passphrase });
  } catch {
    throw new PemFault(wrong);
  }
}

/** Whether the key is that of the first certificate. */
export function fit(certificates: string, key: KeyObject): boolean {
  return new X509Certificate(certificates).checkPrivateKey(key);
}
