/** One thing wrong with the settings. */
export interface ConfigFault {
  /** The variable's name, as it was written. */
  readonly name: string;
  /** What it was set to. */
  readonly value: string;
  /** What is wrong with it. */
  readonly message: string;
  /** What may be written instead. */
  readonly allowed: string;
}

/** Thrown by `readConfig`: everything that is wrong, in the order of the settings table. */
export class ConfigFaults extends Error {
  override readonly name = "ConfigFaults";
  readonly list: readonly ConfigFault[];

  constructor(list: readonly ConfigFault[]) {
    super(`reading the settings: ${list.length} wrong\n${list.map(faultLine).join("\n")}`);
    this.list = list;
  }
}

/** A fault as one line for people. Nothing in it is a secret. */
export function faultLine({ name, value, message, allowed }: ConfigFault): string {
  const text = valueText(name, value);
  // What a message quotes is a part of the value, and where its secret lies is then hard to say.
  const told = text === value ? message : message.replace(/"(?:[^"\\]|\\.)*"/g, '"…"');
  return `${name}=${shown(text)} ${told}; allowed: ${allowed}`;
}

/** A variable's text as it may be shown: without passwords, and not at all if its name is a secret's. */
export function valueText(name: string, text: string): string {
  return isSecret(name) ? HIDDEN : withoutSecrets(name, text);
}

const HIDDEN = "(hidden)";

/** Whether a variable of this name holds something that nobody should read in a log. */
export function isSecret(name: string): boolean {
  // Where a key's file is may be known; a password's file is often the password, by mistake.
  if (name === "KAFKA_SSL_KEY_FILE" || name === "TLS_KEY") return false;
  return /PASSWORD|PASSWD|TOKEN|SECRET|KEY|CREDENTIAL/i.test(name);
}

/**
 * Whatever stands before an @ may be a user and a password, and whatever stands in an address behind a
 * ? or # a token. A wrong address can be cut in any way: what can't be told apart isn't shown.
 */
function withoutSecrets(name: string, text: string): string {
  if (!text.includes("://") && !ADDRESS_NAME.test(name)) return text.replace(/[^\s"]*@/g, "…@");
  const [scheme] = /^\w+:\/\//.exec(text) ?? [""];
  const rest = text.slice(scheme.length);
  const query = rest.search(/[?#]/);
  const user = rest.lastIndexOf("@");
  if (query >= 0 && query < user) return `${scheme}…`;
  const end = query < 0 ? rest.length : query + 1;
  return `${scheme}${user < 0 ? "" : "…"}${rest.slice(Math.max(user, 0), end)}${
    query < 0 ? "" : "…"
  }`;
}

const ADDRESS_NAME = /URL|URI|HOST|BROKER|ADDRESS|ENDPOINT/i;

/** A value can be anything that the environment holds: no line break gets through, nor a novel. */
function shown(value: string): string {
  return JSON.stringify(value.length > 200 ? `${value.slice(0, 200)}…` : value);
}
