import { describe, expect, it } from "vitest";
import { aConsole } from "../support/console.ts";
import { openFrontDoor, rawExchange } from "../support/front-door.ts";

/** A front door that leads to a console whose own name is that of any port. */
async function aDoorToConsole() {
  const { app, secrets } = aConsole();
  const door = await openFrontDoor({ console: async () => app });
  const cookie = `turnout_console_${door.port}=${secrets["on-call"]}`;
  return {
    door,
    cookie,
    ask: (path: string, init: RequestInit = {}) =>
      fetch(`${door.url}${path}`, { ...init, headers: { cookie, ...init.headers } }),
  };
}

describe("the front door's way to the console", () => {
  it("leads there with the request's own headers, and back with the answer's", async () => {
    const { ask } = await aDoorToConsole();
    const answer = await ask("/console");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await answer.text()).toContain("<h1>");
    expect((await ask("/console", { headers: { cookie: "" } })).status).toBe(401);
  });

  it("leads nowhere else: what isn't below /console is the front door's", async () => {
    const { ask } = await aDoorToConsole();
    for (const path of ["/consoles", "/console.css", "//console", "/Console"])
      expect((await ask(path)).status).toBe(404);
    expect((await ask("/healthz", { headers: { "sec-fetch-site": "cross-site" } })).status).toBe(403);
  });

  it("refuses a form of more than 64 KB, and methods that are no browser's", async () => {
    const { ask } = await aDoorToConsole();
    expect((await ask("/console/do/pin", { method: "POST", body: "x".repeat(70_000) })).status).toBe(413);
    expect((await ask("/console", { method: "PUT" })).status).toBe(405);
  });

  it("refuses a Host that is no name of this machine, whatever it is", async () => {
    const { door, cookie } = await aDoorToConsole();
    for (const host of ["evil.example", "a b", "", "[::1"]) {
      const answer = await rawExchange(
        door,
        `GET /console HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toContain("HTTP/1.1 403");
    }
  });
});
