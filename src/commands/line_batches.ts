/** NDJSON as it comes: lines in batches, none of them longer than it may be, never all of them at once. */

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without the white space around it; of a line that is too long only its beginning. */
  readonly bytes: Uint8Array;
  /** How long it really is. */
  readonly length: number;
}

const LINE_FEED = 10;

function isWhiteSpace(byte: number): boolean {
  return byte === 32 || byte === 13 || byte === 9;
}

/**
 * The lines of each chunk, blank ones left out (they are counted nevertheless). Of a line longer than
 * `maxBytes` the rest is passed over. Rejects as the stream does.
 */
export async function* lineBatches(
  chunks: AsyncIterable<Uint8Array>,
  { maxBytes }: { maxBytes: number },
): AsyncGenerator<Line[]> {
  // What was read of the line that isn't over yet; leading white space of any length takes no room.
  let kept: Uint8Array[] = [];
  let keptBytes = 0, length = 0, number = 1;
  function take(piece: Uint8Array): void {
    let from = 0;
    if (length === 0) { while (from < piece.length && isWhiteSpace(piece[from])) from++; }
    length += piece.length - from;
    const part = piece.subarray(from, from + Math.max(0, maxBytes + 1 - keptBytes));
    if (part.length === 0) return;
    kept.push(part.slice());
    keptBytes += part.length;
  }
  function end(into: Line[]): void {
    const line = lineOf(kept, { number: number++, length, keptBytes });
    if (line !== undefined) into.push(line);
    kept = [];
    keptBytes = length = 0;
  }
  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let at = 0;
    for (let found; (found = chunk.indexOf(LINE_FEED, at)) >= 0; at = found + 1) {
      take(chunk.subarray(at, found));
      end(lines);
    }
    take(chunk.subarray(at));
    if (lines.length > 0) yield lines;
  }
  const last: Line[] = [];
  end(last);
  if (last.length > 0) yield last;
}

function lineOf(
  kept: readonly Uint8Array[],
  of: { number: number; length: number; keptBytes: number },
): Line | undefined {
  const bytes = new Uint8Array(of.keptBytes);
  let end = 0;
  for (const part of kept) {
    bytes.set(part, end);
    end += part.length;
  }
  let { length } = of;
  if (of.keptBytes === length) {
    while (end > 0 && isWhiteSpace(bytes[end - 1])) end--;
    length = end;
  }
  return length === 0 ? undefined : { number: of.number, bytes: bytes.subarray(0, end), length };
}
