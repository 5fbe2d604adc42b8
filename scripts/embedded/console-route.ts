import type { IncomingHttpHeaders } from "node:http";
import type { Hono } from "hono";
import { type Answer, json, type Route } from "./answer.ts";

/** A form has a reason and a few ids; nothing on the console takes more. */
const MAX_FORM_BYTES = 64 * 1024;

const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST"]);

type AskedOfConsole = { method: string; url: string; headers: IncomingHttpHeaders };

export function isOfConsole(path: string): boolean {
  return path === "/console" || path.startsWith("/console/");
}

/** Answers by the console, which is loaded when it is first asked. It checks for itself who sends a request. */
export function consoleRoute(
  open: () => Promise<Pick<Hono, "fetch">>,
  { method, url, headers }: AskedOfConsole,
): Route | Answer {
  if (!METHODS.has(method))
    return json(405, { error: `The console takes no ${method}.` }, { allow: [...METHODS].join() });
  const answer = async (body: Buffer): Promise<Answer> => {
    const sent = new Headers();
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) sent.set(name, String(value));
    // Whom it is for stands in the header alone, which need not be a name that an address can have.
    const request = new Request(new URL(url, "http://no-host.invalid"), {
      method,
      headers: sent,
      ...(method === "POST" && { body: new Uint8Array(body) }),
    });
    const app = await open();
    const response = await app.fetch(request);
    const { "content-type": contentType = "text/plain", ...others } = Object.fromEntries(response.headers);
    return { status: response.status, contentType, text: await response.text(), headers: others };
  };
  return { maxBodyBytes: MAX_FORM_BYTES, answer, error: (status, _type, message) => json(status, { error: message }) };
}
