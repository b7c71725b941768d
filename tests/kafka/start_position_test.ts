import assert from "node:assert/strict";
import { commitMetadata, decideStart, type StartFacts } from "../../src/kafka/start_position.ts";

const NONE = { offset: -1, metadata: "" };
const OURS = commitMetadata("folder", "topic");
const THEIRS = commitMetadata("another", "topic");
const BASE: StartFacts = {
  position: undefined,
  committed: NONE,
  folderId: "folder",
  topicId: "topic",
  generation: 0,
};

const another = "committed by another member";
const cases: [string, Partial<StartFacts>, ReturnType<typeof decideStart>][] = [
  ["nothing known: earliest", {}, { at: undefined, reason: "first start", olderFolder: false }],
  ["nothing known of a recreated topic", { generation: 1 }, {
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
    generation: 1,
    committed: { offset: 9, metadata: commitMetadata("folder", "old topic") },
  }, { at: undefined, reason: "topic recreated", olderFolder: false }],
  ["an offset of the deleted topic, by another engine", {
    position: 3,
    generation: 1,
    committed: { offset: 9, metadata: commitMetadata("another", "old topic") },
  }, { at: 3, reason: undefined, olderFolder: false }],
  ["of which topic a client doesn't say: not of one that we don't know yet", {
    generation: 1,
    committed: { offset: 9, metadata: "" },
  }, { at: undefined, reason: "topic recreated", olderFolder: false }],
  ["of which topic a client doesn't say: of the one that we are reading", {
    position: 3,
    generation: 1,
    committed: { offset: 9, metadata: "" },
  }, { at: 9, reason: another, olderFolder: false }],
  ["another engine in the recreated topic", {
    generation: 1,
    committed: { offset: 9, metadata: THEIRS },
  }, { at: 9, reason: another, olderFolder: false }],
];

for (const [name, facts, expected] of cases) {
  Deno.test(`start: ${name}`, () => {
    assert.deepEqual(decideStart({ ...BASE, ...facts }), expected);
  });
}
