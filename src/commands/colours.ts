/** Colours of standard output. */

/** On a terminal, unless NO_COLOR is set. */
export function coloursWanted(): boolean {
  return Deno.stdout.isTerminal() && !Deno.noColor;
}

/** Lines that begin with `ok` or `WRONG`: that word in green or red. */
export function withVerdicts(text: string): string {
  if (!coloursWanted()) return text;
  return text.replace(
    /^(ok|WRONG)(?= )/gm,
    (word) => `\x1b[${word === "ok" ? "32" : "31"}m${word}\x1b[0m`,
  );
}
