const encoder = new TextEncoder();

/** Writes it all, a terminal's control sequences included. False: nobody reads it any more. */
export function print(text: string): boolean {
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe || isHungUp(error)) return false;
    throw error;
  }
}

/** EIO: the terminal was closed. */
function isHungUp(error: unknown): boolean {
  return error instanceof Error && (error as { code?: string }).code === "EIO";
}
