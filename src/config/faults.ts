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
export function faultLine(fault: ConfigFault): string {
  const { name, message, allowed } = fault;
  return `${name}=${shown(valueText(name, fault.value))} ${
    withoutUsers(message)
  }; allowed: ${allowed}`;
}

/** A variable's text as it may be shown: without passwords, and not at all if its name is a secret's. */
export function valueText(name: string, text: string): string {
  return isSecret(name) ? HIDDEN : withoutUsers(text);
}

const HIDDEN = "(hidden)";

/** Whether a variable of this name holds something that nobody should read in a log. */
export function isSecret(name: string): boolean {
  return /PASSWORD|PASSWD|TOKEN|SECRET|KEY|CREDENTIAL/i.test(name);
}

/** Whatever stands before an @ may be a user and a password. */
function withoutUsers(text: string): string {
  return text.replace(/(\w+:\/\/)?[^\s"]*@/g, "$1…@");
}

/** A value can be anything that the environment holds: no line break gets through, nor a novel. */
function shown(value: string): string {
  return JSON.stringify(value.length > 200 ? `${value.slice(0, 200)}…` : value);
}
