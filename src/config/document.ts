/** The text of a settings file as a value: YAML 1.2, and so JSON as well. */
import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from "../../deps_yaml.ts";
import { pathText } from "./path.ts";

/** So often an alias may be used: nested ones would make a small file a huge value. */
const MAX_ALIASES = 100;

/**
 * Reads the text. What is wrong goes to `report` with its line; undefined: there is no value. A name
 * that is given twice is wrong: the parser alone would take the last one.
 */
export function parseDocumentText(text: string, report: (message: string) => void): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: false,
    prettyErrors: false,
    stringKeys: true,
    logLevel: "error",
  });
  for (const { code, message, pos } of document.errors) {
    const { line, col } = lines.linePos(pos[0]);
    // The parser's own words for this one are for programmers.
    const fault = code === "MULTIPLE_DOCS" ? "expected one document, got another" : message;
    report(`neither JSON nor YAML: ${fault}, line ${line}, column ${col}`);
  }
  if (document.errors.length > 0) return undefined;
  reportRepeated(document.contents, { path: [], lines, report });
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    report(`can't be read: ${(error as Error).message}`);
    return undefined;
  }
}

function reportRepeated(
  node: unknown,
  at: { path: readonly PropertyKey[]; lines: LineCounter; report: (message: string) => void },
): void {
  const { path, lines, report } = at;
  if (isSeq(node)) {
    node.items.forEach((item, i) => reportRepeated(item, { ...at, path: [...path, i] }));
  } else if (isMap(node)) {
    const first = new Map<string, number>();
    for (const pair of node.items) {
      if (!isPair(pair) || !isScalar(pair.key)) continue;
      const key = String(pair.key.value);
      const here = [...path, key];
      const { line } = lines.linePos(pair.key.range?.[0] ?? 0);
      const before = first.get(key);
      if (before === undefined) first.set(key, line);
      else report(`${pathText(here)}: given twice, in line ${before} and in line ${line}`);
      reportRepeated(pair.value, { ...at, path: here });
    }
  }
}
