/** What a person can do about a failure; the engine itself only tries again. */

export interface Remedy {
  readonly todo: string;
  /** It often passes by itself: brokers start, leaders move, topics are made when they are asked for. */
  readonly patient: boolean;
}

/** By what the failure says; the first that fits. */
const remedies: readonly [RegExp, Remedy][] = [
  [
    /unknown.topic|none of this name/i,
    {
      todo: "create the topic, or name one that exists by INPUT_TOPIC and OUTPUT_TOPIC",
      patient: true,
    },
  ],
  [
    /authoriz/i,
    {
      todo: "allow the topic and the consumer group to this client in the broker's ACLs",
      patient: false,
    },
  ],
  [
    /authentication failed|invalid (username|credentials)/i,
    {
      todo:
        "set KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM to what the broker knows",
      patient: false,
    },
  ],
  [
    /SASL (mechanism|state)|SaslHandshake|SASL_(MECHANISM|STATE)/i,
    {
      todo:
        "name a listener with KAFKA_SASL_MECHANISM by KAFKA_BROKER, or set KAFKA_SECURITY_PROTOCOL to what this one speaks",
      patient: false,
    },
  ],
  [
    /altname|not match certificate|NotValidForName/i,
    { todo: "name the brokers by the names that stand in their certificates", patient: false },
  ],
  [
    /certificate.*expired|not yet valid/i,
    { todo: "renew the certificate, or set this machine's clock right", patient: false },
  ],
  [
    /alert:? \w*cert|certificate required/i,
    {
      todo:
        "name a certificate that the brokers accept by KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE",
      patient: false,
    },
  ],
  [
    /certificate|self.signed/i,
    {
      todo: "name the authority that signed the brokers' certificates by KAFKA_SSL_CA_FILE",
      patient: false,
    },
  ],
  [
    /TLS handshake|secure TLS|record overflow|InvalidContentType|wrong version number/i,
    {
      todo:
        "this port doesn't speak TLS: name one that does by KAFKA_BROKER, or set KAFKA_SECURITY_PROTOCOL to PLAINTEXT or SASL_PLAINTEXT",
      patient: false,
    },
  ],
  [
    /requires TLS/i,
    {
      todo:
        "this port speaks TLS: set KAFKA_SECURITY_PROTOCOL to SSL or SASL_SSL, or name another by KAFKA_BROKER",
      patient: false,
    },
  ],
  [
    /\bconnect|\bE(CONN|HOST|NET|TIMEDOUT|AI_|PIPE|NOTFOUND)|timed? ?out/i,
    {
      // A broker that wants TLS, SASL or a client's certificate often just closes the connection.
      todo:
        "see that the broker runs, that KAFKA_BROKER names it, and that it is spoken to as it wants: KAFKA_SECURITY_PROTOCOL, KAFKA_SSL_CERT_FILE",
      patient: false,
    },
  ],
  [
    /leader|replica/i,
    {
      todo: "see the broker's log: a partition has no leader, or too few replicas",
      patient: true,
    },
  ],
  [
    /database|disk/i,
    { todo: "make room on the disk of DATA_DIR, or mend it", patient: false },
  ],
];

const unknown: Remedy = { todo: "see the broker's log", patient: true };

export function remedyFor(reason: string): Remedy {
  return remedies.find(([pattern]) => pattern.test(reason))?.[1] ?? unknown;
}
