import assert from "node:assert/strict";
import { type Environment, readConfig } from "../../src/config/config.ts";
import { parseDocumentText } from "../../src/config/document.ts";
import { ConfigFaults } from "../../src/config/faults.ts";

const noFiles = {
  read(path: string): string {
    throw new Error(`no file ${path}`);
  },
  parse: parseDocumentText,
};

function read(env: Environment) {
  return readConfig({ MODE: "shadow", ...env }, noFiles);
}

/** The faults as `NAME: message`. */
function faults(env: Environment): string[] {
  try {
    read(env);
  } catch (error) {
    assert.ok(error instanceof ConfigFaults);
    return error.list.map(({ name, message }) => `${name}: ${message}`);
  }
  return [];
}

Deno.test("a shadow has a group and topics of its own, and no storage service", () => {
  const { group, outputTopic, storageUrl } = read({ STORAGE_SERVICE_URL: "http://storage:5002" });
  assert.deepEqual({ group, outputTopic, storageUrl }, {
    group: "plumbline.shadow",
    outputTopic: "processed-data.shadow",
    storageUrl: "",
  });
  const named = read({
    CONSUMER_GROUP: "processing-engine-group",
    OUTPUT_TOPIC: "out",
    DEAD_LETTER_TOPIC: "letters",
  });
  assert.equal(named.deadLetterTopic, "letters.shadow");
  assert.equal(read({}).deadLetterTopic, "");
  assert.equal(named.group, "processing-engine-group.shadow");
  assert.equal(named.outputTopic, "out.shadow");
});

Deno.test("what leaves a shadow nothing to do is a fault", () => {
  assert.deepEqual(faults({ KAFKA_ENABLED: "false", OUTPUT_TOPIC: "" }), [
    "KAFKA_ENABLED: leaves a shadow nothing to read: MODE=shadow reads what another engine reads",
    "OUTPUT_TOPIC: leaves a shadow no topic: MODE=shadow sends to <OUTPUT_TOPIC>.shadow",
  ]);
  assert.deepEqual(faults({ OUTPUT_TOPIC: "x", INPUT_TOPIC: "x.shadow" }), [
    "OUTPUT_TOPIC: is the input topic: results would be read as readings",
  ]);
  const [long] = faults({ OUTPUT_TOPIC: "x".repeat(249) });
  assert.match(long, /^OUTPUT_TOPIC: .* with \.shadow behind it, as MODE=shadow has it$/);
  assert.deepEqual(faults({ MODE: "shade" }).map((fault) => fault.split(":")[0]), ["MODE"]);
});
