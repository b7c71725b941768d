/** Real readings, and small changes that make something else of them. */

const encoder = new TextEncoder();

export const REALISTIC = [
  '{"device_id":"device-0042","temperature":21.37,"humidity":45.2,"timestamp":"2026-01-01T00:00:00.123Z","tenant_id":"tenant-3"}',
  '{"device_id": "dev-1", "temperature": 21.5, "humidity": 45.25, "timestamp": "2026-01-01T00:00:00.123456"}',
  '{"timestamp":"2024-02-29T23:59:59+02:00","tenant_id":"acme","humidity":-0.0,"device_id":"a","temperature":null}',
  '{"device_id":"m","metrics":{"co2":412.5,"pm2.5":3,"_x-y":1e3,"__proto__":4},"humidity":45}',
  '{"device_id":"x","battery":3.31,"unit":"°C","note":"a\\n\\u00e9\\\\","ok":true,"err":null,"temperature":9007199254740993}',
  '\n{\t"tenant_id" : "" ,\r\n "device_id" : "spaced out" , "temperature" : 1.25e-3 }\n',
];

/** What may be put in somewhere: pieces that change what the rest means. */
const PIECES = [
  ...'{}[]",:. -+eE0123456789\\TZtznul/é\n\t',
  "null",
  "true",
  "false",
  '"temperature":2,',
  '"device_id":"z",',
  '"tenant_id":"q",',
  '"metrics":{"a":1},',
  '"timestamp":"2026-01-01T00:00:00Z",',
  '"__proto__":1,',
  '"a":-1.5e3,',
  ',"b":"\\u0041"',
  "\\u0074",
  "\\ud800",
  "e999",
  "000",
  "+02:00",
  "\u0085",
  "\u2028",
  "😀",
].map((piece) => encoder.encode(piece)).concat(
  [[0x00], [0x7f], [0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90], [0xef, 0xbb, 0xbf]].map((
    bytes,
  ) => Uint8Array.from(bytes)),
);

/** One piece in the place of some bytes (often none, often as many). The new end. */
export function change(
  buffer: Uint8Array,
  { start, end, random }: { start: number; end: number; random: () => number },
): number {
  const piece = PIECES[random() % PIECES.length];
  const at = start + random() % (end - start + 1);
  const kind = random() % 4;
  const removed = Math.min(kind === 0 ? 0 : kind === 1 ? random() % 8 : piece.length, end - at);
  buffer.copyWithin(at + piece.length, at + removed, end);
  buffer.set(piece, at);
  return end + piece.length - removed;
}
