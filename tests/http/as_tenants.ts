/** Asks a route as somebody who may see some tenants' data only, without the rest of the API. */
import { Refusal, type Route } from "../../src/http/request.ts";

/** The answer of a GET; `params` are the parts of the path that vary. */
export async function askAs(
  tenants: ReadonlySet<string> | null,
  route: Route,
  of: { query?: string; params?: Record<string, string> } = {},
): Promise<{ status: number; headers: Headers; text: string }> {
  const { query = "", params = {} } = of;
  try {
    const response = await route.methods.GET!.handler({
      raw: new Request(`http://localhost/?${query}`),
      query: () => Object.fromEntries(new URLSearchParams(query)),
      param: (name) => params[name],
      tenants,
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: error.status, headers: new Headers(), text: error.message };
  }
}
