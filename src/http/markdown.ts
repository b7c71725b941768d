/**
 * As much of Markdown as the API's own texts have, as HTML: headings, paragraphs, lists (`- `), tables,
 * fences, `code`, **bold** and links. Everything else is text. Nothing of the input comes through
 * unescaped, and links lead to this page or this server alone.
 */

const INLINE = /`([^`]+)`|\*\*(.+?)\*\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

export function markdownHtml(text: string, anchor: (heading: string) => string): string {
  const lines = text.split("\n");
  const html: string[] = [];
  let at = 0;
  function taken(belongs: (line: string) => boolean): string[] {
    const from = at;
    while (at < lines.length && belongs(lines[at])) at++;
    return lines.slice(from, at);
  }
  while (at < lines.length) {
    const line = lines[at];
    if (line === "") at++;
    else if (line.startsWith("```")) {
      at++;
      html.push(`<pre><code>${escapeHtml(taken((it) => it !== "```").join("\n"))}</code></pre>`);
      at++;
    } else if (line.startsWith("#")) {
      const [, marks, title] = /^(#+) *(.*)$/.exec(line)!;
      const level = Math.min(marks.length, 6);
      html.push(`<h${level} id="${escapeHtml(anchor(title))}">${inline(title)}</h${level}>`);
      at++;
    } else if (line.startsWith("|")) html.push(tableHtml(taken((it) => it.startsWith("|"))));
    else if (line.startsWith("- ")) {
      const items = taken((it) => it.startsWith("- ")).map((it) =>
        `<li>${inline(it.slice(2))}</li>`
      );
      html.push(`<ul>${items.join("")}</ul>`);
    } else {
      const paragraph = taken((it) => it !== "" && !/^(- |#|\||```)/.test(it));
      html.push(`<p>${inline(paragraph.join(" "))}</p>`);
    }
  }
  return html.join("\n");
}

/** The second line, under the heads, is a ruler. */
function tableHtml([head, , ...rows]: string[]): string {
  const cells = (line: string, tag: string) =>
    line.slice(1, -1).split(/(?<!\\)\|/)
      .map((it) => `<${tag}>${inline(it.trim().replaceAll("\\|", "|"))}</${tag}>`).join("");
  const body = rows.map((it) => `<tr>${cells(it, "td")}</tr>`).join("");
  return `<div><table><thead><tr>${
    cells(head, "th")
  }</tr></thead><tbody>${body}</tbody></table></div>`;
}

function inline(text: string): string {
  let html = "";
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [all, code, bold, linked, target] = match;
    html += escapeHtml(text.slice(end, match.index));
    end = match.index + all.length;
    if (code !== undefined) html += `<code>${escapeHtml(code)}</code>`;
    else if (bold !== undefined) html += `<strong>${inline(bold)}</strong>`;
    else if (/^(#|\/(?!\/))/.test(target)) {
      html += `<a href="${escapeHtml(target)}">${inline(linked)}</a>`;
    } else html += inline(linked);
  }
  return html + escapeHtml(text.slice(end));
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (it) => `&#${it.charCodeAt(0)};`);
}
