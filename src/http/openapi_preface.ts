/** What goes for every request: the document's description, and the beginning of docs/api.md. */
export const PREFACE = `Everything is asked for at one address: \`http://127.0.0.1:8000\` unless \
\`HOST\` and \`METRICS_PORT\` say otherwise. Answers are JSON in UTF-8 (but \`/metrics\` and \`/docs\`) and \
are never to be cached. The answers below are real ones; long ones are broken into lines here, the engine \
writes them in one. Later versions may add members to answers, never to what a request must have.

\`HEAD\` works where \`GET\` does. A wrong method is a 405 with \`Allow\`, an unknown path a 404, a path with \
a slash too many at its end a 308 to the one without.

The request's target alone decides what is asked for. A \`Host\` that can't stand in an address is a 400, \
\`CONNECT\` a 405, a \`Transfer-Encoding\` other than \`chunked\` a 501. Every request may meet a 503 with \
\`Retry-After\`: while the engine waits for its store at the start, while it stops, and where its store \
can't be read. A 500 is a defect.

Whatever takes parameters or readings, and everything below \`/api/dead-letters\`, refuses parameters that \
it doesn't know with a 400 (\`"Limit": unknown; did you mean limit?\`): ignored, they would give an answer \
to another question.

HTTP/1.1 and HTTP/2 are served at the same port, both without TLS (HTTP/2 by prior knowledge: \
\`curl --http2-prior-knowledge\`).

**Tokens.** Where there are tokens in the tenants' file a request brings one, as \`Authorization: Bearer \
plumb_…\`. Without one, or with a wrong one, it is a 401; a 403 where the token's scopes or tenants aren't \
enough; a 429 with \`Retry-After\` where too many wrong ones came from one address. A token that is limited to \
tenants sees and changes their data as if there were no other.

**Errors** have a status of 4xx or 5xx and one form, wherever the request could be read: \`status\` is \
\`error\`, and \`message\` says what was expected and what came. (What is no HTTP gets a 400 without a body; \
a chunk with a wrong size, or a body that stops, ends the connection.)`;
