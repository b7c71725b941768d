import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteRoom } from "../../src/core/byte_room.ts";

Deno.test("what a room gives out stays as it was written until it is cleared", () => {
  const lengths = fc.array(fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 200_000 })), {
    maxLength: 60,
    size: "max",
  });
  fc.assert(fc.property(fc.array(lengths, { maxLength: 3 }), (rounds) => {
    const room = new ByteRoom();
    for (const round of rounds) {
      const given = round.map((length, i) => {
        const bytes = room.take(length);
        assert.equal(bytes.length, length);
        return bytes.fill(i + 1);
      });
      given.forEach((bytes, i) => assert.ok(bytes.every((byte) => byte === i + 1)));
      room.clear();
    }
  }));
});
