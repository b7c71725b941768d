/** Text in the language of manual pages, in which some characters command. */

const SPECIAL: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  '"': "\\(dq",
};

/** One that is copied into a shell: a hyphen stays the character that it is there. */
export function literal(line: string): string {
  return guarded(escaped(line).replaceAll("-", "\\-"));
}

/** Prose: hyphens of options stay what they are, others may become typography. */
export function text(prose: string): string {
  return guarded(
    escaped(prose).replace(/--|(?<=^|[\s(])-(?=[\w\s])/g, (it) => it.replaceAll("-", "\\-")),
  );
}

/** A line that begins with a macro's name: what stands behind it are its arguments. */
export function macro(name: string, ...args: readonly string[]): string {
  return [`.${name}`, ...args.map((it) => `"${escaped(it).replaceAll("-", "\\-")}"`)].join(" ");
}

function escaped(line: string): string {
  return line.replace(
    /[\\'`^~"]|[^\x20-\x7e]/gu,
    (it) => SPECIAL[it] ?? `\\[u${it.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`,
  );
}

/** A full stop at the beginning would be a macro. */
function guarded(line: string): string {
  return line.startsWith(".") ? `\\&${line}` : line;
}
