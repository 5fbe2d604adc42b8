import type { ALBEvent, ALBResult } from "aws-lambda";

/** Types whose text needs no other form to be carried in JSON. */
const TEXT = /^text\/|[/+](?:json|xml|javascript)\b/i;

/** What a load balancer calls for each request, on what answers requests of the web. */
export function loadBalancerHandler(answer: (request: Request) => Promise<Response>) {
  return async (event: ALBEvent): Promise<ALBResult> => {
    const request = requestOf(event);
    const response =
      request === undefined ? new Response("This request can't be read.", { status: 400 }) : await answer(request);
    return resultOf(response, event.multiValueHeaders !== undefined);
  };
}

/** Undefined for what is no address, no method or no header of the web. */
function requestOf(event: ALBEvent): Request | undefined {
  const { httpMethod: method, path, body, isBase64Encoded } = event;
  try {
    const headers = headersOf(event);
    const query = queryOf(event);
    const url = new URL(`https://${headers.get("host") ?? ""}${path}${query === "" ? "" : `?${query}`}`);
    const hasBody = body !== null && body !== "" && method !== "GET" && method !== "HEAD";
    const bytes = hasBody ? Buffer.from(body, isBase64Encoded ? "base64" : "utf8") : null;
    return new Request(url, { method, headers, body: bytes });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function headersOf({ headers: single = {}, multiValueHeaders: several }: ALBEvent): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(several ?? single)) {
    for (const value of [values].flat()) if (value !== undefined) headers.append(name, value);
  }
  return headers;
}

/** Names and values come as they stood in the address, undone by nobody. */
function queryOf({ queryStringParameters: single = {}, multiValueQueryStringParameters: several }: ALBEvent): string {
  return Object.entries(several ?? single)
    .flatMap(([name, values]) => [values].flat().map((value) => `${name}=${value ?? ""}`))
    .join("&");
}

/** @param several whether the load balancer takes headers that have several values, and so only these */
async function resultOf(response: Response, several: boolean): Promise<ALBResult> {
  const isBase64Encoded = !TEXT.test(response.headers.get("content-type") ?? "text/plain");
  const body = Buffer.from(await response.arrayBuffer()).toString(isBase64Encoded ? "base64" : "utf8");
  const result = { statusCode: response.status, isBase64Encoded, body };
  if (!several) return { ...result, headers: Object.fromEntries(response.headers) };
  const names = [...new Set(response.headers.keys())];
  const valuesOf = (name: string) =>
    name === "set-cookie" ? response.headers.getSetCookie() : [response.headers.get(name) ?? ""];
  return { ...result, multiValueHeaders: Object.fromEntries(names.map((name) => [name, valuesOf(name)])) };
}
