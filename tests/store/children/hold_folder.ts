/** Opens the data folder and keeps it until it is killed. */
import { open } from "../samples.ts";

open(Deno.args[0]);
console.log("open");
await Deno.stdin.read(new Uint8Array(1));
