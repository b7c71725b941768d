/** Settings of the HTTP API: where it listens, and who may ask. */
import { setting } from "./setting.ts";
import { parseBoolean, parseHost, plainText, wholeNumber } from "./values.ts";

const PEM_FILE = "path of a PEM file, or nothing";

export const httpSettings = {
  port: setting({
    name: "METRICS_PORT",
    oldName: "PORT",
    default: "8000",
    allowed: "0 to 65535; 0 is any free port",
    meaning: "Port of the HTTP API and the metrics.",
    parse: wholeNumber(0, 65535),
  }),
  host: setting({
    name: "HOST",
    default: "127.0.0.1",
    allowed:
      "an address of this machine; other than loopback only with tokens in TENANTS_FILE, or ALLOW_ANONYMOUS=true",
    meaning: "Address that the HTTP API listens on.",
    parse: parseHost,
  }),
  allowAnonymous: setting({
    name: "ALLOW_ANONYMOUS",
    default: "false",
    allowed: "true or false",
    meaning:
      "Lets everyone who can reach HOST use the API while there are no tokens in TENANTS_FILE.",
    parse: parseBoolean,
  }),
  metricsPublic: setting({
    name: "METRICS_PUBLIC",
    default: "false",
    allowed: "true or false",
    meaning: "Whether /metrics is answered without a token although there are tokens.",
    parse: parseBoolean,
  }),
  streamMaxReaders: setting({
    name: "STREAM_MAX_READERS",
    default: "100",
    allowed: "0 to 10000",
    meaning:
      "Readers of GET /api/stream at the same time; each takes its share of 32 MiB, 1 MiB at most.",
    parse: wholeNumber(0, 10_000),
  }),
  tlsCert: setting({
    name: "TLS_CERT",
    default: "",
    emptyMeans: "the HTTP API isn't encrypted",
    allowed: PEM_FILE,
    meaning:
      "Certificate of the HTTP API, with those between it and its authority; read again when it changes.",
    parse: plainText(4096),
  }),
  tlsKey: setting({
    name: "TLS_KEY",
    default: "",
    emptyMeans: "no key",
    allowed: PEM_FILE,
    meaning: "Private key of TLS_CERT, not encrypted.",
    parse: plainText(4096),
  }),
  maxConnections: setting({
    name: "HTTP_MAX_CONNECTIONS",
    default: "1000",
    allowed: "10 to 100000",
    meaning:
      "Connections to the HTTP API at the same time; beyond them the one goes that has waited for longest.",
    parse: wholeNumber(10, 100_000),
  }),
};
