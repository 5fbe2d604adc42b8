import { describe, expect, it } from "vitest";
import { aConsole } from "../../support/console.ts";

const cookieOf = (headers: Headers) => headers.get("set-cookie") ?? "";

describe("signing in to the console", () => {
  it("exchanges a token for a cookie that no page can read, and leads to the overview", async () => {
    const { withoutCookie, secrets } = aConsole();
    const { status, headers } = await withoutCookie.get(`/console/sign-in?token=${secrets.viewer}`);
    expect(status).toBe(303);
    expect(headers.get("location")).toBe("/console");
    expect(cookieOf(headers)).toBe(
      `turnout_console_4600=${secrets.viewer}; Path=/console; Max-Age=86400; HttpOnly; SameSite=Strict`,
    );
    const [pair = ""] = cookieOf(headers).split(";");
    const page = await withoutCookie.get("/console", { cookie: `other=1; ${pair}` });
    expect(page.status).toBe(200);
    expect(page.text).toContain("a-viewer");
  });

  it("refuses whoever has no token, a wrong one or one that has expired, and says why", async () => {
    const { withoutCookie, as, clock, secrets } = aConsole();
    expect(await withoutCookie.get("/console")).toMatchObject({
      status: 401,
      text: expect.stringContaining("Ask for one."),
    });
    const wrong = await withoutCookie.get("/console", { cookie: "turnout_console_4600=wrong" });
    expect(wrong).toMatchObject({ status: 401, text: expect.stringContaining("isn&#39;t one") });
    clock.now = new Date(clock.now.getTime() + 86_400_000);
    const expired = await as("viewer").get("/console");
    expect(expired).toMatchObject({ status: 401, text: expect.stringContaining("has expired") });
    const exchanged = await withoutCookie.get(`/console/sign-in?token=${secrets.viewer}`);
    expect(exchanged.status).toBe(401);
    expect(cookieOf(exchanged.headers)).toBe("");
  });

  it("refuses a token that was taken away while its owner was signed in", async () => {
    const { as, tokens } = aConsole();
    expect((await as("viewer").get("/console")).status).toBe(200);
    tokens.splice(0);
    expect((await as("viewer").get("/console")).status).toBe(401);
  });

  it("takes the cookie of its own port alone", async () => {
    const { withoutCookie, secrets } = aConsole();
    const answer = await withoutCookie.get("/console", { cookie: `turnout_console_4601=${secrets.viewer}` });
    expect(answer.status).toBe(401);
  });

  it("refuses a Host that isn't its own, whoever asks", async () => {
    const { as } = aConsole();
    for (const host of ["evil.example:4600", "127.0.0.1.evil.example", ""]) {
      expect((await as("viewer").get("/console", { host })).status).toBe(403);
    }
    expect((await as("viewer").get("/console", { host: "LOCALHOST:4600" })).status).toBe(200);
  });

  it.each([
    { origin: "http://evil.example" },
    { origin: "null" },
    { origin: "http://127.0.0.1:4601" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" },
  ])("refuses what a page of another origin sends: %j", async (headers) => {
    const { as } = aConsole();
    expect((await as("on-call").post("/console/do/pin", {}, headers as Record<string, string>)).status).toBe(403);
    expect((await as("on-call").get("/console", headers as Record<string, string>)).status).toBe(403);
  });

  it("follows a link from elsewhere, which comes without the cookie, to a page that leads on", async () => {
    const { withoutCookie } = aConsole();
    const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    const { status, text } = await withoutCookie.get("/console/event?id=%22%3Cb%3E", link);
    expect(status).toBe(401);
    expect(text).toContain('href="/console/event?id=%22%3Cb%3E"');
  });

  it.each([
    "//evil.example/console",
    "/console/..//evil.example/",
    "/consoles",
    "/console/sign-in?token=x",
    "/console",
  ])("leads nowhere but into the console: %s", async (path) => {
    const { withoutCookie } = aConsole();
    const { status, text } = await withoutCookie.get(path);
    expect(status).toBe(401);
    expect(text).toContain('<a href="/console">Open the page again</a>');
  });
});

describe("every answer of the console", () => {
  it.each(["/console", "/console/assets/console.css", "/console/nothing", "/console/sign-in?token=x"])(
    "may load, frame and send nothing of others: %s",
    async (path) => {
      const { as } = aConsole();
      const { headers } = await as("viewer").get(path);
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("unsafe");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("same-origin");
    },
  );

  it("is not kept, but for what has its content's hash in its address", async () => {
    const { as } = aConsole();
    const page = await as("viewer").get("/console");
    expect(page.headers.get("cache-control")).toBe("no-store");
    const [style = ""] = /\/console\/assets\/console\.css\?of=\w+/.exec(page.text) ?? [];
    expect((await as("viewer").get(style)).headers.get("cache-control")).toContain("immutable");
  });

  it("has no style and no script within it", async () => {
    const { text } = await aConsole().as("viewer").get("/console");
    expect(text).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=/);
  });
});

describe("a page that is looked at again", () => {
  it("isn't sent again as long as nothing has changed", async () => {
    const { as } = aConsole();
    const first = await as("viewer").get("/console");
    const again = await as("viewer").get("/console", { "if-none-match": first.headers.get("etag") ?? "" });
    expect(again).toMatchObject({ status: 304, text: "" });
  });

  it("is one of nothing where there is none: 404, with a way on", async () => {
    const { status, text } = await aConsole().as("viewer").get("/console/nothing");
    expect(status).toBe(404);
    expect(text).toContain('href="/console"');
  });
});
