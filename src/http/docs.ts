import { anchor, apiText } from "./api_text.ts";
import type { Description } from "./description.ts";
import { markdownHtml } from "./markdown.ts";
import type { Document } from "./openapi.ts";
import type { Route } from "./request.ts";

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --shade: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 0 auto; padding: 1rem; }
code, pre { font: 0.875em/1.45 ui-monospace, monospace; }
code { background: var(--shade); border-radius: 3px; padding: 0 0.2em; overflow-wrap: anywhere; }
pre { background: var(--shade); border-radius: 6px; padding: 0.75rem; overflow-x: auto; }
pre code { background: none; padding: 0; overflow-wrap: normal; }
h2 { border-bottom: 1px solid var(--line); margin-top: 3rem; }
h3 { margin-top: 2rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--line); padding: 0.25rem 0.6rem; text-align: left; vertical-align: top; }
:target { outline: 2px solid var(--line); outline-offset: 0.25rem; }
`;

const about: Description = {
  id: "getDocs",
  topic: "The interface itself",
  summary: "This interface as a page for people",
  text: "Without scripts, and with nothing from elsewhere. It says what `/openapi.json` says.",
  answers: { 200: { text: "The page.", media: "text/html; charset=utf-8" } },
};

interface Page {
  readonly html: string;
  readonly headers: Record<string, string>;
}

/** `GET /docs`: the document for people. Made when it is asked for the first time, and anew for another document. */
export function docsRoute(document: () => Document): Route {
  const pages = new WeakMap<Document, Promise<Page>>();

  async function get(): Promise<Response> {
    const shown = document();
    const page = pages.get(shown) ?? made(shown);
    pages.set(shown, page);
    const { html, headers } = await page;
    return new Response(html, { headers });
  }

  return { path: "/docs", methods: { GET: { handler: get, about, access: "any token" } } };
}

async function made(document: Document): Promise<Page> {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Plumbline: the HTTP API</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
${markdownHtml(apiText(document), anchor)}
</body>
</html>
`;
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE));
  const style = `'sha256-${new Uint8Array(hash).toBase64()}'`;
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": `default-src 'none'; style-src ${style}; img-src data:; ` +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  };
  return { html, headers };
}
