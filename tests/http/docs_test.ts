import assert from "node:assert/strict";
import { anchor } from "../../src/http/api_text.ts";
import { markdownHtml } from "../../src/http/markdown.ts";
import { apiOver } from "./in_memory.ts";

function html(text: string): string {
  return markdownHtml(text, anchor);
}

Deno.test("GET /docs: every operation, without scripts, its one style allowed by its hash", async () => {
  const { api } = apiOver();
  const document = await (await api.request("/openapi.json")).json();
  const response = await api.request("/docs");
  const page = await response.text();
  assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods as object)) {
      const name = `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`;
      assert.ok(page.includes(`<h3 id="${anchor(name)}">${name}</h3>`), name);
    }
  }
  assert.doesNotMatch(
    page,
    /<script|<iframe|<form|\son\w+=|javascript:|(src|href)="(https?:|\/\/)/i,
  );
  const [, style] = /<style>([^]*?)<\/style>/.exec(page)!;
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style));
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.ok(policy.startsWith("default-src 'none'; "), policy);
  assert.ok(policy.includes(`style-src 'sha256-${new Uint8Array(bytes).toBase64()}';`), policy);
  assert.doesNotMatch(policy, /unsafe|\*/);
});

Deno.test("every link within the page leads somewhere, and no two headings are one", async () => {
  const { text: page } = await apiOver().get("/docs");
  const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
  const targets = [...page.matchAll(/ href="#([^"]*)"/g)].map(([, id]) => id);
  assert.ok(targets.length > 20);
  assert.deepEqual(targets.filter((it) => !ids.includes(it)), []);
});

Deno.test("headings, paragraphs, lists, tables, fences", () => {
  assert.equal(
    html("## GET /a\n\none\ntwo\n\n- x\n- y"),
    '<h2 id="get-a">GET /a</h2>\n' +
      "<p>one two</p>\n<ul><li>x</li><li>y</li></ul>",
  );
  assert.equal(
    html("```\n| a < b\n\n# c\n```\nd"),
    "<pre><code>| a &#60; b\n\n# c</code></pre>\n<p>d</p>",
  );
  assert.equal(
    html("| a |  |\n|---|---|\n| `x \\| y` | z |"),
    "<div><table><thead><tr><th>a</th><th></th></tr></thead>" +
      "<tbody><tr><td><code>x | y</code></td><td>z</td></tr></tbody></table></div>",
  );
  assert.equal(html("a\n- b"), "<p>a</p>\n<ul><li>b</li></ul>");
  assert.equal(html("```\nnever closed"), "<pre><code>never closed</code></pre>");
});

Deno.test("within a line: code, bold, links to this page or server; everything else is text", () => {
  assert.equal(
    html("`a*` **b `c`** [`d`](#e)"),
    "<p><code>a*</code> <strong>b <code>c</code></strong> " +
      '<a href="#e"><code>d</code></a></p>',
  );
  assert.equal(html("[x](/openapi.json)"), '<p><a href="/openapi.json">x</a></p>');
  for (
    const target of ["reliability.md", "//evil.example", "https://evil.example", "javascript:x"]
  ) {
    assert.equal(html(`[x](${target})`), "<p>x</p>", target);
  }
});

Deno.test("nothing comes through unescaped, wherever it stands", () => {
  const evil = `<img src=x onerror='a'> & "q"`;
  const places = [
    "# #",
    "#",
    "- #",
    "| # |\n|---|\n| # |",
    "```\n#\n```",
    "`#`",
    "**#**",
    "[#](#x)",
  ];
  for (const place of places) {
    const made = html(
      place.replaceAll("#", (it, at) => place.startsWith("# ") && at === 0 ? it : evil),
    );
    assert.doesNotMatch(made, /<img|"q"|& /, made);
    assert.match(made, /&#60;img src=x onerror=&#39;a&#39;&#62; &#38; &#34;q&#34;/, made);
  }
  assert.doesNotMatch(html(`[x](/"onclick=a)`), /"onclick/);
});
