/** A plain reader of RFC 4180: lines end with CR LF, a quoted field may have anything. */
export function readCsv(text: string): string[][] {
  const lines: string[][] = [];
  let at = 0;
  while (at < text.length) {
    const line: string[] = [];
    for (;;) {
      let field = "";
      if (text[at] === '"') {
        for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
          if (at >= text.length) throw new Error("a quoted field doesn't end");
          if (text[at] === '"') at++;
          field += text[at];
        }
        at++;
      } else {
        while (at < text.length && !/[",\r\n]/.test(text[at])) field += text[at++];
      }
      line.push(field);
      if (text[at] !== ",") break;
      at++;
    }
    if (text.slice(at, at + 2) !== "\r\n") throw new Error(`byte ${at}: expected CR LF`);
    at += 2;
    lines.push(line);
  }
  return lines;
}
