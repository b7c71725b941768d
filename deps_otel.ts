/** The door for OpenTelemetry's API, which is loaded only where `OTEL_DENO` asks for traces. */
export { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
export type { Span, SpanContext } from "@opentelemetry/api";
