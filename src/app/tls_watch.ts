/** The API's certificate and key are read again when they change. */
import type { ConfigFault } from "../config/faults.ts";
import type { WatchedFiles } from "../config/files.ts";
import { readTlsPair, type TlsFiles } from "../config/tls_pair.ts";
import type { Door } from "../http/door.ts";
import type { Log } from "../pipeline/ports.ts";

export class TlsWatch {
  readonly #paths: TlsFiles;
  readonly #files: WatchedFiles;
  readonly #door: Pick<Door, "setTls">;
  readonly #log: Log;
  /** As the files were when they were read last, and at the last look. */
  #read: string | undefined;
  #seen: string | undefined;

  constructor(
    paths: TlsFiles,
    { files, door, log }: { files: WatchedFiles; door: Pick<Door, "setTls">; log: Log },
  ) {
    this.#paths = paths;
    this.#files = files;
    this.#door = door;
    this.#log = log;
    this.#read = this.#seen = this.#stamp();
  }

  /**
   * To be called now and then. The files are read once two looks in a row have found the same: whoever
   * renews them writes one after the other. What is wrong is told once, and the old pair stays.
   */
  look(): void {
    if (this.#paths.tlsCert === "") return;
    const now = this.#stamp();
    const rests = now !== undefined && now === this.#seen;
    this.#seen = now;
    if (!rests || now === this.#read) return;
    this.#read = now;
    const faults: ConfigFault[] = [];
    const read = (path: string) => this.#files.read(path);
    const pair = readTlsPair(this.#paths, { read, faults });
    if (pair === undefined) {
      return this.#tellWrong(faults.map(({ name, message }) => `${name} ${message}`));
    }
    try {
      this.#door.setTls(pair);
    } catch (error) {
      return this.#tellWrong([(error as Error).message]);
    }
    this.#log.info("the certificate of the HTTP API was read again; new connections get it");
  }

  #tellWrong(faults: string[]): void {
    this.#log.error("the new certificate of the HTTP API is wrong: the one before it stays", {
      faults,
      todo: "write TLS_CERT and TLS_KEY anew; they are read when they change",
    });
  }

  #stamp(): string | undefined {
    const stamps = [this.#paths.tlsCert, this.#paths.tlsKey].map((it) => this.#files.stamp(it));
    return stamps.includes(undefined) ? undefined : stamps.join(" ");
  }
}
