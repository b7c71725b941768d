import assert from "node:assert/strict";
import { LineWriter } from "../../src/telemetry/line_writer.ts";

/** A stream that takes bytes when the test says so, `most` at a time. */
class Stream {
  taken = "";
  #waiting: { bytes: Uint8Array; resolve: (n: number) => void; reject: (e: Error) => void }[] = [];

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => this.#waiting.push({ bytes, resolve, reject }));
  }

  async take(most = Infinity): Promise<void> {
    assert.equal(this.#waiting.length, 1, "one write at a time");
    const { bytes, resolve } = this.#waiting.shift()!;
    const part = bytes.subarray(0, most);
    this.taken += new TextDecoder().decode(part);
    resolve(part.length);
    await settled();
  }

  async break(): Promise<void> {
    this.#waiting.shift()!.reject(new Error("EPIPE"));
    await settled();
  }

  get idle(): boolean {
    return this.#waiting.length === 0;
  }
}

/** Lets everything run that waits for nothing but its turn. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function writerTo(stream: Stream, maxBytes?: number) {
  const lost: number[] = [];
  const writer = new LineWriter({
    write: (bytes) => stream.write(bytes),
    maxBytes,
    onLost: (lines) => {
      lost.push(lines);
      writer.write(`lost ${lines}\n`);
    },
  });
  return { writer, lost };
}

Deno.test("lines come out whole and in order, however few bytes are taken at once", async () => {
  const stream = new Stream();
  const { writer } = writerTo(stream);
  writer.write("ein\n");
  writer.write("zwölf\n");
  while (!stream.idle) await stream.take(2);
  assert.equal(stream.taken, "ein\nzwölf\n");
  writer.write("drei\n");
  await stream.take();
  assert.equal(stream.taken, "ein\nzwölf\ndrei\n");
});

Deno.test("lines that find no room are dropped, counted, and told when there is room", async () => {
  const stream = new Stream();
  const { writer, lost } = writerTo(stream, 20);
  for (let i = 0; i < 10; i++) writer.write(`line ${i}\n`);
  await stream.take();
  assert.deepEqual(lost, [8]);
  while (!stream.idle) await stream.take();
  assert.equal(stream.taken, "line 0\nline 1\nlost 8\n");
});

Deno.test("a broken stream gets nothing more, and nobody is bothered", async () => {
  const stream = new Stream();
  const { writer } = writerTo(stream);
  writer.write("a\n");
  writer.write("b\n");
  await stream.break();
  writer.write("c\n");
  await writer.flush(60_000);
  assert.ok(stream.idle);
});

Deno.test("flush waits for what is written, and not longer than it may", async () => {
  const stream = new Stream();
  const { writer } = writerTo(stream);
  await writer.flush(60_000);
  writer.write("a\n");
  await writer.flush(0);
  const flushed = writer.flush(60_000);
  await stream.take();
  await flushed;
  assert.equal(stream.taken, "a\n");
});
