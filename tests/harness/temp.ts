/** `using folder = tempFolder();`: a folder of its own for a test, removed at the end of the block. */
export interface TempFolder extends Disposable {
  readonly path: string;
}

export function tempFolder(prefix = "test-"): TempFolder {
  const path = Deno.makeTempDirSync({ prefix, dir: Deno.env.get("TEST_RUN_DIR") });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}
