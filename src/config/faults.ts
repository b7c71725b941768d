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

/** A fault as one line for people. */
export function faultLine(fault: ConfigFault): string {
  const value = isSecret(fault.name) ? "(hidden)" : shown(fault.value);
  return `${fault.name}=${value} ${fault.message}; allowed: ${fault.allowed}`;
}

/** Whether a variable of this name holds something that nobody should read in a log. */
export function isSecret(name: string): boolean {
  return /PASSWORD|PASSWD|TOKEN|SECRET|KEY|CREDENTIAL/i.test(name);
}

/** A value can be anything that the environment holds: no line break gets through, nor a novel. */
function shown(value: string): string {
  const short = value.length > 200 ? `${value.slice(0, 200)}…` : value;
  return JSON.stringify(short.replace(/\/\/[^/@]*@/, "//…@"));
}
