/** Takes spans as an OpenTelemetry collector does: OTLP over HTTP, in JSON. */

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Readonly<Record<string, unknown>>;
}

type AttributeValue = Record<string, unknown> & { arrayValue?: { values: AttributeValue[] } };

export class Collector implements AsyncDisposable {
  readonly spans: CollectedSpan[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #wake = new Set<() => void>();
  #services = new Set<string>();

  constructor() {
    const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
    this.#server = Deno.serve(options, (request) => this.#take(request));
  }

  /** The settings that make an engine send its traces here. */
  get env(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_SERVICE_NAME: "plumbline",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_BSP_SCHEDULE_DELAY: "100",
    };
  }

  /** Names of the services that spans came from. */
  get services(): string[] {
    return [...this.#services];
  }

  named(name: string): CollectedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  /** Waits until `holds` after one of the next spans; throws after a minute. */
  async until(holds: () => boolean): Promise<void> {
    const late = AbortSignal.timeout(60_000);
    while (!holds()) {
      if (late.aborted) throw new Error(`Wait for spans: ${this.spans.length} after a minute`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake.add(resolve);
      late.addEventListener("abort", () => resolve(), { once: true });
      await promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #take(request: Request): Promise<Response> {
    const body = await request.json();
    for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
      this.#services.add(String(attributesOf(resource.attributes)["service.name"]));
      for (const { spans } of scopeSpans) {
        for (const span of spans) {
          this.spans.push({ ...span, attributes: attributesOf(span.attributes) });
        }
      }
    }
    for (const wake of this.#wake) wake();
    this.#wake.clear();
    return Response.json({});
  }
}

function attributesOf(list: { key: string; value: AttributeValue }[]): Record<string, unknown> {
  return Object.fromEntries(list.map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf(value: AttributeValue): unknown {
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(valueOf);
  return Object.values(value)[0];
}
