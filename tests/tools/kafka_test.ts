import assert from "node:assert/strict";
import { parseOrder } from "../../tools/kafka.ts";

Deno.test("the command line of the broker", () => {
  assert.deepEqual(parseOrder([]), { action: "start" });
  assert.deepEqual(parseOrder(["--port", "0"]), { action: "start", port: 0 });
  assert.deepEqual(parseOrder(["stop", "--port", "19292", "--dir", "x"]), {
    action: "stop",
    port: 19292,
    dir: "x",
  });
  for (
    const wrong of [
      "restart",
      "--port",
      "--port x",
      "--port 65536",
      "--port -1",
      "--dir",
      "stop now",
    ]
  ) {
    assert.equal(parseOrder(wrong.split(" ")), undefined, wrong);
  }
});
