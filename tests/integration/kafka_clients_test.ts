/** The whole engine and the simulator over TLS and SASL, by each of the two clients. */
import assert from "node:assert/strict";
import { produce } from "../harness/kafka.ts";
import { PASSWORD, type SecureBroker, startSecureBroker, USER } from "../harness/secure_broker.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { clients } from "../kafka/client_in_use.ts";
import { makeRoad } from "./road.ts";

function access({ addresses, certificates }: SecureBroker, passwordFile: string) {
  return {
    KAFKA_BROKER: addresses.saslSsl,
    KAFKA_SECURITY_PROTOCOL: "SASL_SSL",
    KAFKA_SASL_MECHANISM: "SCRAM-SHA-512",
    KAFKA_SASL_USERNAME: USER,
    KAFKA_SASL_PASSWORD_FILE: passwordFile,
    KAFKA_SSL_CA_FILE: certificates.ca,
  };
}

Deno.test("simulated readings through SASL_SSL, with a kill on the way", async (t) => {
  using folder = tempFolder();
  await using secure = await startSecureBroker(`${folder.path}/secure`);
  const passwordFile = `${folder.path}/password`;
  Deno.writeTextFileSync(passwordFile, `${PASSWORD}\n`);
  const env = access(secure, passwordFile);
  for (const name of Object.keys(clients)) {
    await t.step(name, async () => {
      await using road = await makeRoad({
        name: `secure-${name}`,
        bootstrap: secure.broker.bootstrap,
      });
      const settings = { ...env, KAFKA_CLIENT: name };
      await road.start(settings);
      await using simulation = await startProgram({
        args: [
          ...["simulate", "--to", "kafka", "--seed", "7", "--devices", "50"],
          ...["--rate", "0", "--count", "20000"],
        ],
        env: { ...env, INPUT_TOPIC: road.input, DATA_DIR: folder.path },
      });
      await road.until(({ read }) => read >= 4_000);
      await road.program.kill();
      assert.equal((await simulation.exited).code, 0, simulation.stderr);
      await road.start(settings);
      // In a process of its own: in this one the harness has made kafkajs' codecs ready.
      for (const compression of ["gzip", "snappy", "lz4", "zstd"] as const) {
        const value = `{"device_id":"${compression}","temperature":21}`;
        const records = Array.from({ length: 10 }, () => ({ key: compression, value }));
        await produce(road.input, records, { compression, bootstrap: road.bootstrap });
      }
      await road.drained();

      const verdict = await road.verdict();
      // Twice is what at least once means; everything else has to be right.
      const wrong = verdict.findings.list().filter(({ kind }) =>
        name !== "kafkajs" || kind !== "id twice"
      );
      assert.deepEqual(wrong, []);
      const address = await road.program.address();
      const metrics = await (await fetch(`${address}/metrics`)).text();
      const guarantee = name === "kafkajs" ? "at_least_once" : "exactly_once";
      assert.match(
        metrics,
        new RegExp(`plumbline_output_delivery\\{client="${name}",guarantee="${guarantee}"\\} 1`),
      );
      const unsure = Number(/^plumbline_output_unsure_total (\d+)/m.exec(metrics)![1]);
      console.log(`${name}: ${verdict.duplicates} results twice, ${unsure} counted as unsure`);
      assert.ok(verdict.duplicates <= unsure, "a duplicate that wasn't counted");
      if (name === "platformatic") assert.equal(verdict.duplicates, 0);
      assert.match(road.program.stdout, new RegExp(`"outputDelivery":"${guarantee}"`));
      assert.doesNotMatch(road.program.stdout + road.program.stderr, /wonder/);
      assert.deepEqual(await road.program.kill("SIGTERM"), { code: 0, signal: null });
    });
  }
});
