import assert from "node:assert/strict";
import { hasBrowser, withPage } from "../harness/browser.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

Deno.test("/docs in a browser: readable without scripts, nothing else is asked for", {
  ignore: !hasBrowser(),
}, async () => {
  using folder = tempFolder("browser-");
  await using program = await startProgram({
    env: { KAFKA_ENABLED: "false", DATA_DIR: folder.path },
  });
  const address = `${await program.ready()}/docs`;
  const { paths } = await (await fetch(address.replace("/docs", "/openapi.json"))).json();
  const operations = Object.values<object>(paths).flatMap((it) => Object.keys(it)).length;
  for (const scripts of [false, true]) {
    await withPage({ address, scripts }, async (page) => {
      assert.equal(await page.value("document.title"), "Plumbline: the HTTP API");
      const linked =
        "document.querySelectorAll('table')[0].querySelectorAll('a[href^=\"#\"]').length";
      assert.equal(await page.value(linked), operations);
      // The policy lets the page's own style in.
      assert.equal(await page.value("getComputedStyle(document.body).maxWidth"), "896px");
      assert.equal(await page.value("document.documentElement.scrollWidth <= innerWidth"), true);
      assert.deepEqual(page.requests.filter((it) => !it.startsWith("data:")), [address]);
      assert.deepEqual(page.complaints, []);
    });
  }
});
