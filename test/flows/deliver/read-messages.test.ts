import { describe, expect, it } from "vitest";
import type { Row, RowAt, RowKey } from "../../../shared/domain/routing/routing-change.ts";
import type { SubjectRow } from "../../../shared/domain/routing/subject-rows.ts";
import type { ReceivedMessage } from "../../../shared/event-queue/event-queue.ts";
import { parseEvent, routeAgain, routeMessage } from "../../../shared/flows/deliver/route-message.ts";
import type { RoutingView } from "../../../shared/flows/routing-cache.ts";
import { aComponent, anEvent, aPin, aSubjectRow, bodyOf } from "../../support/builders.ts";
import { aMessage, T0 } from "../../support/router.ts";

const now = new Date("2026-11-20T10:00:00.000Z");

function aView(rows: { [key in RowKey]?: Row } = {}, components = [aComponent({ name: "mailer" })]): RoutingView {
  const known = new Map(Object.entries(rows));
  return {
    revision: 7,
    listeners: components.map((component) => ({ component, matches: (event) => "source" in event })),
    held: [],
    missing: new Set(),
    problemOf: () => undefined,
    rowOf: <K extends RowKey>(key: K) => known.get(key) as RowAt<K> | undefined,
    subjectRow: (level, id) => known.get(`${level}#${id}`) as SubjectRow | undefined,
  };
}

const route = (message: ReceivedMessage, view = aView()) => routeMessage(parseEvent(message), view, now);

describe("a message that is routed", () => {
  it("becomes a record of what arrived, at the time its message was sent", () => {
    const event = anEvent({ idempotencyKey: "k", project: "site" });
    const body = `${bodyOf(event)} `;
    const { record, revision } = route(aMessage({ messageId: "m-1", body }));
    expect(record).toEqual({
      t0: T0,
      eventKey: expect.stringMatching(/^[0-9a-f]{64}$/),
      payloadHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      messageId: "m-1",
      id: "event-1",
      source: "shop",
      detailType: "order placed",
      time: "2026-11-20T10:00:00Z",
      idempotencyKey: "k",
      subject: { project: "site" },
      components: ["mailer"],
      body,
      expiresAt: new Date(T0.getTime() + 30 * 86_400_000),
    });
    expect(revision).toBe(7);
  });

  it("has its place among those of its time, where its queue says one", () => {
    expect(route({ ...aMessage(), sequence: 3 }).record.sequence).toBe(3);
    expect(route(aMessage()).record).not.toHaveProperty("sequence");
  });

  it("goes to each component whose pattern matches, by what was decided for that component", () => {
    const pinned = aSubjectRow({ pins: { invoice: aPin() } });
    const deaf = { component: aComponent({ name: "deaf" }), matches: () => false };
    const view = aView({ "project#site": pinned }, [aComponent({ name: "invoice" }), aComponent({ name: "mailer" })]);
    const { routes, record } = route(aMessage({ project: "site" }), { ...view, listeners: [...view.listeners, deaf] });
    expect(routes.map(({ component, decision }) => [component.name, decision.alias, decision.because])).toEqual([
      ["invoice", "beta", "project pin"],
      ["mailer", "stable", "default alias"],
    ]);
    expect(record.components).toEqual(["invoice", "mailer"]);
  });

  it("is about whom its source's paths, the metadata and the directory say", () => {
    const view = aView({
      "source#shop": { source: "shop", idempotencyKey: "detail.order", project: "detail.site.name" },
      "project#acme/site": aSubjectRow({ customer: "acme" }),
      "customer#acme": aSubjectRow({ plan: "paid" }),
    });
    const { record } = route(aMessage({ user: "ada", detail: { order: 4711, site: { name: "acme/site" } } }), view);
    expect(record.idempotencyKey).toBe("4711");
    expect(record.subject).toEqual({ project: "acme/site", customer: "acme", plan: "paid", user: "ada" });
  });

  it("has its publisher's retry for a duplicate, and another payload for a mismatch", () => {
    const original = route(aMessage({ id: "a", idempotencyKey: "k", detail: { total: 5 } })).record;
    const retry = route(aMessage({ id: "b", time: "2026-11-20T10:00:09Z", idempotencyKey: "k", detail: { total: 5 } }));
    const other = route(aMessage({ id: "c", idempotencyKey: "k", detail: { total: 6 } })).record;
    expect(retry.record).toMatchObject({ eventKey: original.eventKey, payloadHash: original.payloadHash });
    expect(other.eventKey).toBe(original.eventKey);
    expect(other.payloadHash).not.toBe(original.payloadHash);
  });

  it("never goes where it asked to, which the decision says, and keeps flow and trace for the target", () => {
    const { facts, routes } = route(aMessage({ metadata: { alias: "beta", flow: "f", traceparent: "t" } }));
    expect(routes[0]?.decision).toMatchObject({
      alias: "stable",
      because: "default alias",
      passedOver: [{ rule: "alias in the event", why: "an event can't choose its alias: 'beta' ignored" }],
    });
    expect(facts).toMatchObject({ ignoredAlias: "beta", flow: "f", traceparent: "t" });
  });

  it("waits for components whose row can't be read, where it may be theirs, and is recorded with those whose it is", () => {
    const held = (name: string, matches?: () => boolean) => {
      return { name, problem: "is broken", component: aComponent({ name }), ...(matches && { matches }) };
    };
    const unreadable = [held("its-own", () => true), held("another's", () => false), held("anybody's")];
    const { routes, record } = route(aMessage(), { ...aView(), held: unreadable });
    expect(routes.map((each) => [each.component.name, each.held?.type !== undefined])).toEqual([
      ["mailer", false],
      ["its-own", true],
      ["anybody's", true],
    ]);
    expect(record.components).toEqual(["mailer", "its-own"]);
  });

  it("is recorded without routes when nobody listens", () => {
    const { routes, record } = route(aMessage(), aView({}, []));
    expect([routes, record.components, record.rejected]).toEqual([[], [], undefined]);
  });
});

describe("a message that can't be read", () => {
  it("is kept as it is, under a key of its own, with the reason", () => {
    const { routes, record } = route(aMessage({ messageId: "m-1", body: "]" }));
    expect(routes).toEqual([]);
    expect(record).toMatchObject({
      ...{ t0: T0, messageId: "m-1", id: "m-1", source: "", detailType: "", body: "]", subject: {}, components: [] },
      rejected: expect.stringMatching(/^not JSON/),
    });
    expect(route(aMessage({ messageId: "m-2", body: "]" })).record.eventKey).not.toBe(record.eventKey);
  });

  it("is known by its envelope when only its subject is wrong", () => {
    const { routes, record } = route(aMessage({ metadata: { customer: "" } }));
    expect(routes).toEqual([]);
    expect(record).toMatchObject({ id: "event-1", source: "shop", detailType: "order placed", subject: {} });
    expect(record.rejected).toMatch(/^detail\.metadata\.customer: /);
  });

  it("is kept for as long as its source says where its envelope can be read, and else as long as any", () => {
    const view = aView({ "source#shop": { source: "shop", retentionDays: 3 } });
    const daysOf = (message: ReceivedMessage) =>
      (route(message, view).record.expiresAt.getTime() - T0.getTime()) / 86_400_000;
    expect([daysOf(aMessage({ metadata: { customer: "" } })), daysOf(aMessage({ body: "]" }))]).toEqual([3, 30]);
  });

  it("says when it happened and what it is called, as far as its envelope can be read", () => {
    const { record } = route(aMessage({ messageId: "m-1", time: "2026-11-20T09:00:00Z", metadata: { customer: "" } }));
    expect(record).toMatchObject({ time: "2026-11-20T09:00:00Z", idempotencyKey: "event-1", messageId: "m-1" });
    expect(route(aMessage({ messageId: "m-1", body: "]" })).record).toMatchObject({
      time: T0.toISOString(),
      idempotencyKey: "m-1",
    });
  });

  it("is one whose source's path leads to something that is no name", () => {
    const view = aView({ "source#shop": { source: "shop", customer: "detail.customer" } });
    expect(route(aMessage({ detail: { customer: ["acme"] } }), view).record.rejected).toBe(
      "detail.customer: expected text or a whole number for customer, found an array",
    );
  });
});

describe("a stored event that is routed again", () => {
  const message = aMessage({ metadata: { flow: "f", traceparent: "t" } });
  const { record } = route(message);
  const again = (view = aView(), stored = record, component = "mailer") => {
    const redelivery = { component, generation: "live", eventKey: stored.eventKey, payloadHash: "", t0: T0 };
    return routeAgain(message, redelivery, stored, view, now);
  };

  it("keeps flow and trace for the target", () => {
    expect(again().facts).toMatchObject({ flow: "f", traceparent: "t" });
  });

  it("goes to its component, whichever other can't be read", () => {
    const held = { name: "billing", problem: "is broken", component: aComponent({ name: "billing" }) };
    const view = { ...aView(), held: [held] };
    expect(again(view).routes).toMatchObject([{ component: { name: "mailer" }, decision: { alias: "stable" } }]);
    expect(again(view).routes[0]).not.toHaveProperty("held");
    expect(again(view, record, "billing").routes).toMatchObject([{ component: { name: "billing" }, held: {} }]);
  });

  it("is about whom it was when it arrived where its body, or its source's row, can't be read any more", () => {
    const view = aView({ "source#shop": { source: "shop", customer: "detail.customer" } });
    const strange = route(aMessage({ detail: { customer: ["acme"] } })).record;
    const stored = { ...strange, subject: { customer: "acme" } };
    expect(again(view, stored).subject).toEqual({ customer: "acme" });
    expect(again(aView(), { ...stored, body: "]" }).subject).toEqual({ customer: "acme" });
    const damaged = { ...aView(), problemOf: (key: RowKey) => (key === "source#shop" ? "it is broken" : undefined) };
    expect(again(damaged, stored).subject).toEqual({ customer: "acme" });
    expect(again(aView(), stored).subject).toEqual({});
  });

  it("goes nowhere where its component doesn't listen to it any more, by an alias that only stands in", () => {
    const deaf = { ...aView(), listeners: [{ component: aComponent({ name: "mailer" }), matches: () => false }] };
    expect(again(deaf).routes).toMatchObject([
      { refused: { type: "NotListening" }, decision: { alias: "stable", because: "undecided", fallback: true } },
    ]);
  });

  it("waits while its subject's row can't be read, with the reason", () => {
    const project = aMessage({ project: "site" });
    const stored = route(project).record;
    const problemOf = (key: RowKey) => (key === "project#site" ? "it is broken" : undefined);
    expect(again({ ...aView(), problemOf }, stored).routes).toMatchObject([
      { held: { type: "RowUnreadable", message: "the row of project site can't be read: it is broken" } },
    ]);
  });

  it("goes nowhere without its component or its body, and it is said which", () => {
    const bodiless = { ...record, body: "", unavailable: "the file is gone" };
    const refused = (view = aView()) => again(view, bodiless).routes[0]?.refused;
    expect(refused()).toEqual({ type: "BodyUnavailable", message: "the file is gone" });
    expect(refused(aView({}, []))).toMatchObject({
      type: "NoComponent",
      message: expect.stringContaining("has been removed"),
    });
  });
});
