/** Event ids: a place in a data folder's results, as text. */
import type { TailPosition } from "../pipeline/ports.ts";

/** Of the folder's id: tells folders apart, no more. */
const FOLDER_LENGTH = 8;
const SHAPE = /^([0-9a-z-]{1,8})\.(\d{1,15})\.(\d{1,9})(?:\.(\d{1,15}))?$/;

/**
 * `<folder>.<row>.<record>.<results>`. `counted`: whether it says how many results lie before it, which
 * are everybody's: not for those who may see some tenants only.
 */
export function positionText(
  { row, record, results }: TailPosition,
  { folder, counted }: { folder: string; counted: boolean },
): string {
  const place = `${folder.slice(0, FOLDER_LENGTH)}.${row}.${record}`;
  return counted && results !== undefined ? `${place}.${results}` : place;
}

/** undefined: it is no place among this folder's results, as far as they have come. */
export function readPosition(
  text: string,
  { folder, end }: { folder: string; end: TailPosition },
): TailPosition | undefined {
  const match = SHAPE.exec(text);
  if (match === null || match[1] !== folder.slice(0, FOLDER_LENGTH)) return undefined;
  const [row, record] = [Number(match[2]), Number(match[3])];
  const results = match[4] === undefined ? undefined : Number(match[4]);
  if (row < 1 || row > end.row || (row === end.row && record > 0)) return undefined;
  if (results !== undefined && (results < record || results > (end.results ?? Infinity))) {
    return undefined;
  }
  return { row, record, results };
}
