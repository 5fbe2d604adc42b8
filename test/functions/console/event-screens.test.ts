import { describe, expect, it } from "vitest";
import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { deadDeliveryNotice } from "../../../shared/domain/notices/dead-delivery-notice.ts";
import { aClaimRequest, anEvent, bodyOf } from "../../support/builders.ts";
import { aConsole, LOOKED_AT, unescaped } from "../../support/console.ts";
import { COMPONENT, setUpIncident } from "../../support/incident.ts";
import { aRecord } from "../../support/stored-events.ts";
import { temporaryFolder } from "../../support/tmp.ts";

const secondsAgo = (seconds: number) => new Date(LOOKED_AT.getTime() - seconds * 1_000);

async function anIncident() {
  const console = aConsole();
  await setUpIncident(console.state, temporaryFolder(), secondsAgo(600));
  /** Stores an event and its delivery, which failed for good where there is an error. */
  async function deliver(id: string, about: Partial<EventRecord> = {}, error?: { type: string; message: string }) {
    const { subject = { customer: "acme" }, t0 = secondsAgo(60) } = about;
    const { customer = "acme" } = subject;
    const body = bodyOf(anEvent({ id, customer }));
    const record = aRecord({ id, eventKey: `key-of-${id}`, components: [COMPONENT], subject, t0, body, ...about });
    await console.state.events.record([record]);
    const head = await console.state.routingTable.head();
    const claim = aClaimRequest({
      ...record,
      component: COMPONENT,
      alias: "beta",
      because: "customer pin",
      routingRevision: head,
    });
    await console.state.events.claim([claim], "router", t0);
    const { deliveryKey } = claim;
    const close = { deliveryKey, attempt: 1, at: new Date(t0.getTime() + 20), durationMs: 20, executedVersion: "2" };
    await console.state.events.close([
      error === undefined ? { ...close, outcome: "done" } : { ...close, outcome: "dead", error },
    ]);
    return record;
  }
  return { ...console, deliver, viewer: console.as("viewer") };
}

const textOf = (markup: string) => unescaped(markup.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " "));
const TOKEN = { type: "TypeError", message: "no token" };

describe("the stream", () => {
  it("lists what arrived, the newest first, with a link from each to why", async () => {
    const { viewer, deliver } = await anIncident();
    await deliver("first", { t0: secondsAgo(90) });
    await deliver("second", {}, TOKEN);
    const { text } = await viewer.get("/console/stream");
    expect(text.indexOf("second")).toBeLessThan(text.indexOf("first"));
    expect(text).toContain(`/console/event?id=second&amp;at=${encodeURIComponent(secondsAgo(60).toISOString())}`);
    expect(textOf(text)).toContain("beta 2 customer pin 1 dead TypeError: no token");
  });

  it("takes the filters of the command from its address, and shows that command", async () => {
    const { viewer, deliver } = await anIncident();
    await deliver("of-acme", {}, TOKEN);
    await deliver("of-globex", { subject: { customer: "globex" } });
    const { text } = await viewer.get("/console/stream?customer=globex&executed-version=2&status=done&since=1h");
    expect(text).toContain("of-globex");
    expect(text).not.toContain("of-acme");
    expect(textOf(text)).toContain("turnout events --customer globex --executed-version 2 --status done --since 1h");
    expect((await viewer.get("/console/stream?status=unresolved")).text).toContain("of-acme");
    // Ids are compared byte for byte; what surrounds other words has slipped in.
    expect((await viewer.get("/console/stream?customer=globex%20")).text).not.toContain("of-globex");
    expect((await viewer.get("/console/stream?customer=globex&status=%20done%20")).text).toContain("of-globex");
  });

  it.each([
    ["status=gone", "there is no 'gone'"],
    ["because=chance", "there is no rule 'chance'"],
    ["pattern=%7B", "Pattern: not JSON"],
    ["since=soon", "since: expected a duration"],
  ])("says what is wrong with a filter: %s", async (query, problem) => {
    const { viewer } = await anIncident();
    const { status, text } = await viewer.get(`/console/stream?${query}`);
    expect(status).toBe(400);
    expect(textOf(text)).toContain(problem);
  });

  it("has Turnout's own notices only where they are asked for, by a switch that says so", async () => {
    const { viewer, state } = await anIncident();
    await state.events.record([
      aRecord({ id: "delivery-dead-1", source: "turnout", components: [], t0: secondsAgo(60) }),
    ]);
    const usual = await viewer.get("/console/stream");
    expect(usual.text).not.toContain("delivery-dead-1");
    expect(usual.text).toContain('<input type="checkbox" name="notices" value="yes"> Turnout');
    const all = await viewer.get("/console/stream?notices=yes");
    expect(all.text).toContain("delivery-dead-1");
    expect(textOf(all.text)).toContain("turnout events --since 15m --notices");
    expect(all.text).toContain('name="notices" value="yes" checked');
  });

  it("stays short however much arrived, and leads further back", async () => {
    const { viewer, state, unexpected } = await anIncident();
    const ids = Array.from({ length: 300 }, (_, index) => `event-${String(index).padStart(3, "0")}`);
    await state.events.record(
      ids.map((id, index) =>
        aRecord({
          id,
          eventKey: id,
          t0: secondsAgo(400 - index),
          source: "x".repeat(256),
          detailType: "t".repeat(128),
        }),
      ),
    );
    const first = await viewer.get("/console/stream");
    expect(first.text.match(/<th scope="row"/g)).toHaveLength(60);
    expect(first.text.length).toBeLessThan(60_000);
    const [, older = ""] = /href="([^"]*)">Older ones/.exec(first.text) ?? [];
    const second = await viewer.get(unescaped(older));
    expect(second.text.match(/<th scope="row"/g)?.length).toBeGreaterThan(50);
    expect(second.text).not.toContain("event-299");
    expect(unexpected).toEqual([]);
  });
});

describe("an event's screen", () => {
  it("has of one of Turnout's notices the commands that look further and that act, as they are typed", async () => {
    const { viewer, deliver } = await anIncident();
    const dead = { id: "first", source: "shop", detailType: "order placed", subject: {}, t0: secondsAgo(90) };
    const report = { record: dead, at: secondsAgo(60), component: COMPONENT, outcome: "dead" as const };
    await deliver("told", { source: "turnout", detailType: "Delivery Dead", body: deadDeliveryNotice(report) ?? "" });
    const text = textOf((await viewer.get("/console/event?id=told")).text);
    expect(text).toContain("Looks further turnout event show first Acts on it turnout replay start --unresolved");
  });

  it("says where it went and why, what was tried, and what was published", async () => {
    const { viewer, deliver } = await anIncident();
    const { t0 } = await deliver("event-7", {}, TOKEN);
    const { text, status } = await viewer.get(`/console/event?id=event-7&at=${t0.toISOString()}`);
    expect(status).toBe(200);
    const words = textOf(text);
    expect(words).toContain("dead");
    expect(words).toContain("TypeError: no token");
    expect(words).toContain("Why, as it was decided: beta , customer pin");
    expect(words).toContain("project pin: the event has no project");
    expect(words).toContain('"customer": "acme"');
    expect(words).toContain("turnout event show event-7");
  });

  it("says where it would go now, where that is somewhere else", async () => {
    const { viewer, deliver, change } = await anIncident();
    await deliver("event-7", {}, TOKEN);
    await change({ kind: "unpin", level: "customer", id: "acme", component: COMPONENT });
    const { text } = await viewer.get("/console/event?id=event-7");
    expect(textOf(text)).toContain("Where it would go now: stable");
  });

  it("offers to pin its customer, but to a viewer says who may", async () => {
    const { viewer, as, deliver } = await anIncident();
    await deliver("event-7", {}, TOKEN);
    expect((await as("operator").get("/console/event?id=event-7")).text).toContain("/console/do/pin?component=");
    const { text } = await viewer.get("/console/event?id=event-7");
    expect(text).not.toContain("/console/do/");
    expect(text).toContain("The role viewer may not change the routing");
  });

  it.each([
    ["900 KB of text", JSON.stringify({ text: "x".repeat(900_000) })],
    ["5,000 keys deep", `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`],
    ["an array 5,000 deep", `${"[".repeat(5_000)}${"]".repeat(5_000)}`],
    ["no JSON at all", '{"a": \u202e"<script>alert(1)</script>'],
  ])("stays small whatever was published: %s", async (_, body) => {
    const { viewer, deliver, unexpected } = await anIncident();
    await deliver("event-7", { body });
    const { status, text } = await viewer.get("/console/event?id=event-7");
    expect(status).toBe(200);
    expect(text.length).toBeLessThan(60_000);
    expect(text).not.toContain("<script>alert");
    expect(text).not.toContain("\u202e");
    expect(unexpected).toEqual([]);
  });

  it.each(["a/b#c?d&e=f", `"'<script>alert(1)</script>`, "\u202egnp.exe", "x".repeat(2_048), ".."])(
    "finds it by an id of any characters: %s",
    async (id) => {
      const { viewer, deliver, unexpected } = await anIncident();
      await deliver(id);
      const listed = (await viewer.get("/console/stream")).text;
      const [, link = ""] = /<th scope="row"[^>]*><a href="([^"]*)"/.exec(listed) ?? [];
      const { status, text } = await viewer.get(unescaped(link));
      expect(status).toBe(200);
      expect(text).not.toContain("<script>alert");
      expect(text).not.toContain("\u202e");
      expect(unexpected).toEqual([]);
    },
  );

  it("says that there is none", async () => {
    const { viewer } = await anIncident();
    const { status, text } = await viewer.get("/console/event?id=nothing");
    expect(status).toBe(404);
    expect(textOf(text)).toContain("No event 'nothing' has arrived in the last hour.");
  });
});

describe("the search", () => {
  it.each([
    ["event-7", "/console/event?id=event-7"],
    ["event-", "/console/event?id=event-7"],
    ["key-of-event-7", "/console/event?id=event-7"],
    ["acme", "/console/customer?customer=acme"],
    ["free", "/console/customer?plan=free"],
    ["release-c", `/console/component?name=${COMPONENT}`],
    ["5", "/console/change?revision=5"],
  ])("goes to the one thing that goes by a name or begins with it: %s", async (wanted, address) => {
    const { viewer, deliver } = await anIncident();
    await deliver("event-7", { t0: secondsAgo(3 * 86_400) });
    const { status, headers } = await viewer.get(`/console/search?q=${wanted}`);
    expect(status).toBe(303);
    expect(headers.get("location")).toMatch(new RegExp(`^${address.replace("?", "\\?")}(&|$)`));
  });

  it("lists several, by what they are", async () => {
    const { viewer, deliver } = await anIncident();
    await deliver("acme");
    await deliver("2-events");
    expect(textOf((await viewer.get("/console/search?q=acme")).text)).toContain(
      "customer acme event acme (order placed)",
    );
    const two = textOf((await viewer.get("/console/search?q=2")).text);
    expect(two).toContain(`version ${COMPONENT} 2`);
    expect(two).toContain("revision 2");
    expect(two).toContain("event 2-events");
  });

  it("leads to somebody whom the directory doesn't list, as whatever they are", async () => {
    const { viewer, deliver } = await anIncident();
    await deliver("event-7", { subject: { customer: "stranger" } });
    const { text } = await viewer.get("/console/search?q=stranger");
    expect(textOf(text)).toContain("Whom the directory doesn't list is seen by their events: look at it as a customer");
    for (const level of ["customer", "project", "user"]) {
      expect(text).toContain(`<a href="/console/customer?${level}=stranger">`);
    }
    expect(textOf((await viewer.get("/console/customer?customer=stranger")).text)).toContain("event-7");
    expect((await viewer.get(`/console/search?q=${"x".repeat(2_048)}`)).text).not.toContain("console/customer?");
  });

  it("leads further back than it looks at once, until it has found what is wanted", async () => {
    const { viewer, state } = await anIncident();
    const many = Array.from({ length: 12_000 }, (_, n) =>
      aRecord({
        id: `event-${n}`,
        eventKey: `key-${n}`,
        idempotencyKey: `publisher-${n}`,
        t0: secondsAgo(1_000 - n / 12),
      }),
    );
    await state.events.record([aRecord({ id: "wanted", eventKey: "wanted-key", t0: secondsAgo(2_000) }), ...many]);
    const first = await viewer.get("/console/search?q=wanted");
    expect(first.status).toBe(404);
    const [, further = ""] = /href="([^"]*)">Look further back/.exec(first.text) ?? [];
    const found = await viewer.get(unescaped(further));
    expect(found.headers.get("location")).toContain("/console/event?id=wanted");
  });

  it("looks through what came at one moment, however much that is", async () => {
    const { viewer, state } = await anIncident();
    const many = Array.from({ length: 3_000 }, (_, n) =>
      aRecord({ id: `event-${n}`, eventKey: `key-${n}`, t0: secondsAgo(5) }),
    );
    await state.events.record(many);
    expect((await viewer.get("/console/search?q=event-2999")).headers.get("location")).toContain("id=event-2999");
  });

  it("finds nothing in nothing, and says so", async () => {
    const { viewer, unexpected } = await anIncident();
    for (const wanted of ["nothing", "%22%3Cscript%3E", "x".repeat(2_048), "%E2%80%AE", "99999999999999999999"]) {
      const { status, text } = await viewer.get(`/console/search?q=${wanted}`);
      expect(status).toBe(404);
      expect(text).not.toContain("<script>&");
    }
    expect((await viewer.get("/console/search?q=")).status).toBe(200);
    expect(unexpected).toEqual([]);
  });
});

describe("the overview", () => {
  it("has a line for each version, with who is on it and how it does", async () => {
    const { viewer } = await anIncident();
    const { text } = await viewer.get("/console");
    expect(textOf(text)).toContain(`${COMPONENT} 2 not looked at (watch) beta`);
    expect(textOf(text)).toContain(`${COMPONENT} 1 no events stable`);
  });

  it("leads from a version to its rollback, and to what stops everything", async () => {
    const { as } = await anIncident();
    const { text } = await as("on-call").get("/console");
    expect(unescaped(text)).toContain(`/console/do/rollback?component=${COMPONENT}&alias=beta`);
    expect(unescaped(text)).toContain(`/console/do/all-stable?component=${COMPONENT}`);
    expect(unescaped(text)).toContain(`/console/do/promote?component=${COMPONENT}&source=beta&alias=stable`);
  });

  it.each([
    [new TurnoutError("failed", "The disk is full.", { remedies: ["make room"] }), 503, "The disk is full. Make room."],
    [new Error("something nobody thought of"), 500, "something nobody thought of"],
  ])("says what is wrong where its store is in trouble: %s", async (error, wanted, words) => {
    const { viewer, installation, unexpected } = await anIncident();
    installation.routingTable.components = () => Promise.reject(error);
    const { status, text } = await viewer.get("/console");
    expect(status).toBe(wanted);
    expect(textOf(text)).toContain(words);
    expect(text).not.toContain(".ts:");
    expect(unexpected).toEqual(wanted === 500 ? [error] : []);
  });
});
