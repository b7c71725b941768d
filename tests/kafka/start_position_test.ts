import assert from "node:assert/strict";
import {
  agreedGeneration,
  commitMetadata,
  decideStart,
  readMetadata,
  type StartFacts,
} from "../../src/kafka/start_position.ts";

function note(folderId: string, topicId = "topic"): string {
  return commitMetadata({ folderId, topicId, generation: 0 });
}

const NONE = { offset: -1, metadata: "" };
const OURS = note("folder");
const THEIRS = note("another");
const BASE: StartFacts = {
  position: undefined,
  committed: NONE,
  folderId: "folder",
  topicId: "topic",
  recreated: false,
};

const another = "committed by another member";
const cases: [string, Partial<StartFacts>, ReturnType<typeof decideStart>][] = [
  ["nothing known: earliest", {}, { at: undefined, reason: "first start", olderFolder: false }],
  ["nothing known of a recreated topic", { recreated: true }, {
    at: undefined,
    reason: "topic recreated",
    olderFolder: false,
  }],
  ["a position alone", { position: 7 }, { at: 7, reason: undefined, olderFolder: false }],
  ["position 0", { position: 0 }, { at: 0, reason: undefined, olderFolder: false }],
  ["the group is behind", { position: 7, committed: { offset: 5, metadata: "" } }, {
    at: 7,
    reason: undefined,
    olderFolder: false,
  }],
  ["the group is level", { position: 7, committed: { offset: 7, metadata: "" } }, {
    at: 7,
    reason: undefined,
    olderFolder: false,
  }],
  ["another client is ahead", { position: 7, committed: { offset: 9, metadata: "" } }, {
    at: 9,
    reason: another,
    olderFolder: false,
  }],
  ["another engine is ahead", { position: 7, committed: { offset: 9, metadata: THEIRS } }, {
    at: 9,
    reason: another,
    olderFolder: false,
  }],
  ["another client was here first", { committed: { offset: 0, metadata: "" } }, {
    at: 0,
    reason: another,
    olderFolder: false,
  }],
  ["we were ahead of this copy", { position: 7, committed: { offset: 9, metadata: OURS } }, {
    at: 7,
    reason: undefined,
    olderFolder: true,
  }],
  ["we were ahead of an empty copy", { committed: { offset: 9, metadata: OURS } }, {
    at: undefined,
    reason: "first start",
    olderFolder: true,
  }],
  ["an offset of the deleted topic, by us", {
    recreated: true,
    committed: { offset: 9, metadata: note("folder", "old-topic") },
  }, { at: undefined, reason: "topic recreated", olderFolder: false }],
  ["an offset of the deleted topic, by another engine", {
    position: 3,
    recreated: true,
    committed: { offset: 9, metadata: note("another", "old-topic") },
  }, { at: 3, reason: undefined, olderFolder: false }],
  ["of which topic a client doesn't say: not of one that we don't know yet", {
    recreated: true,
    committed: { offset: 9, metadata: "" },
  }, { at: undefined, reason: "topic recreated", olderFolder: false }],
  ["of which topic a client doesn't say: of the one that we are reading", {
    position: 3,
    recreated: true,
    committed: { offset: 9, metadata: "" },
  }, { at: 9, reason: another, olderFolder: false }],
  ["another engine in the recreated topic", {
    recreated: true,
    committed: { offset: 9, metadata: THEIRS },
  }, { at: 9, reason: another, olderFolder: false }],
];

for (const [name, facts, expected] of cases) {
  Deno.test(`start: ${name}`, () => {
    assert.deepEqual(decideStart({ ...BASE, ...facts }), expected);
  });
}

Deno.test("commit metadata: ours, of an earlier version, and whatever else a client may write", () => {
  const written = commitMetadata({ folderId: "folder", topicId: "topic", generation: 12 });
  assert.deepEqual(readMetadata(written), { folderId: "folder", topicId: "topic", generation: 12 });
  assert.deepEqual(readMetadata("folder topic"), {
    folderId: "folder",
    topicId: "topic",
    generation: -1,
  });
  assert.deepEqual(readMetadata(""), undefined);
  assert.deepEqual(readMetadata("consumer-7"), undefined);
  for (const odd of ["-1", "1e3", "NaN", "12345678901", "", " 1"]) {
    assert.equal(readMetadata(`folder topic ${odd}`)!.generation, -1, odd);
  }
});

Deno.test("the group's generation is the highest that is about this topic", () => {
  const said = (generation: number, topicId = "topic") => ({
    offset: 1,
    metadata: commitMetadata({ folderId: "any", topicId, generation }),
  });
  assert.equal(agreedGeneration([], "topic"), -1);
  assert.equal(agreedGeneration([NONE, { offset: 4, metadata: "folder topic" }], "topic"), -1);
  assert.equal(agreedGeneration([said(1), said(3), said(2), said(9, "old")], "topic"), 3);
});
