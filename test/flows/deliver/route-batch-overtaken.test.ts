import { describe, expect, it } from "vitest";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { eventually } from "../../support/port-calls.ts";
import { again, aMessage, aRouter, done, failed, putRows } from "../../support/router.ts";

const mailer = aComponent({ name: "mailer", pattern: { source: ["shop"] } });

/** A router that remembers the routing, and has a batch under way whose events are claimed while `change` is committed. */
async function overtakenBy(change: Parameters<typeof putRows>[1], message = aMessage({ customer: "acme", id: "e-2" })) {
  const router = await aRouter({ components: [mailer] });
  const { ports, calls, table } = router;
  await routeBatch(ports, [aMessage({ customer: "acme", id: "e-1", messageId: "warm" })]);
  calls.since();
  const head = calls.hold("head");
  const batch = routeBatch(ports, [message]);
  await eventually(() => head.reached() && calls.made.includes("record"));
  await putRows(table, change);
  head.release();
  expect(await batch).toEqual([]);
  const entries = (await router.ledger()).filter(({ attempt, attempts }) => attempt > 0 || attempts.length > 0);
  return { ...router, entries };
}

describe("a batch that a change of the routing overtakes", () => {
  it("goes where the new routing sends it, under a claim that says so", async () => {
    const { sends, calls, entries } = await overtakenBy({
      "customer#acme": aSubjectRow({ pins: { mailer: aPin({ alias: "beta" }) } }),
    });
    expect(sends.map(({ alias }) => alias)).toEqual(["stable", "beta"]);
    expect(entries.map(({ alias, attempt, routingRevision }) => [alias, attempt, routingRevision])).toContainEqual([
      "beta",
      1,
      2,
    ]);
    expect(calls.made.filter((call) => call === "claim")).toHaveLength(2);
  });

  it("leaves no trace at a component that doesn't listen to the event any more", async () => {
    const deaf = { ...mailer, pattern: { source: ["elsewhere"] } };
    const { sends, ledger, records } = await overtakenBy({ "component#mailer": deaf });
    expect(sends).toHaveLength(1);
    expect(await ledger()).toHaveLength(1);
    expect((await records()).map(({ id, components }) => [id, components]).sort()).toEqual([
      ["e-1", ["mailer"]],
      ["e-2", []],
    ]);
  });

  it("goes to a component that listens only now", async () => {
    const late = aComponent({ name: "late", pattern: { source: ["shop"] } });
    const { sends } = await overtakenBy({ "component#late": late });
    expect(sends.map(({ component }) => component).sort()).toEqual(["late", "mailer", "mailer"]);
  });

  it("is decided at once where nothing has changed: one claim, one look at the head", async () => {
    const { ports, calls } = await aRouter({ components: [mailer] });
    await routeBatch(ports, [aMessage({ messageId: "warm", id: "e-1" })]);
    calls.since();
    await routeBatch(ports, [aMessage({ id: "e-2" })]);
    expect(calls.made.filter((call) => call === "head" || call === "claim").sort()).toEqual(["claim", "head"]);
  });
});

describe("a batch of which a part was decided on a newer routing than the rest", () => {
  it("is decided again as a whole", async () => {
    const audit = aComponent({ name: "audit", pattern: { source: ["shop"] } });
    const router = await aRouter({
      components: [mailer, audit],
      target: async ({ component }) => (component === "audit" ? failed : done),
    });
    const { ports, table, sends, time } = router;
    const returning = aMessage({ id: "e-1", messageId: "m-1" });
    expect(await routeBatch(ports, [returning])).toHaveLength(1);
    await putRows(table, { "component#audit": { ...audit, pattern: { source: ["elsewhere"] } } });
    await time.pass(1_000);
    // While it is looked up what the first message has left open, another batch meets a change that concerns the second.
    const { deliveriesOf } = ports.events;
    let overtaken = false;
    ports.events.deliveriesOf = async (keys) => {
      if (!overtaken) {
        overtaken = true;
        const pinned = aSubjectRow({ pins: { mailer: aPin({ alias: "beta" }) } });
        await putRows(table, { "customer#acme": pinned });
        await ports.routing.refresh();
      }
      return deliveriesOf(keys);
    };
    sends.length = 0;
    await routeBatch(ports, [again(returning), aMessage({ id: "e-2", messageId: "m-2", customer: "acme" })]);
    expect(sends.map(({ component, alias }) => [component, alias])).toEqual([["mailer", "beta"]]);
  });
});

describe("a delivery that was begun, and whose component has changed since", () => {
  it("is dead, and nothing is sent, when the component doesn't listen to such events any more", async () => {
    const router = await aRouter({ components: [mailer], target: async () => failed });
    const message = aMessage();
    expect(await routeBatch(router.ports, [message])).toHaveLength(1);
    await putRows(router.table, { "component#mailer": { ...mailer, pattern: { source: ["elsewhere"] } } });
    await router.time.pass(1_000);
    expect(await routeBatch(router.ports, [again(message)])).toEqual([]);
    expect(router.sends).toHaveLength(1);
    expect(await router.ledger()).toMatchObject([{ status: "dead", error: { type: "NotListening" } }]);
  });

  it("is found also when its message counts its receives from the beginning, as a redriven queue's does", async () => {
    const router = await aRouter({ components: [mailer], target: async () => failed });
    const message = aMessage();
    await routeBatch(router.ports, [message]);
    await putRows(router.table, { "component#mailer": { ...mailer, pattern: { source: ["elsewhere"] } } });
    await router.time.pass(3_600_000);
    expect(await routeBatch(router.ports, [message])).toEqual([]);
    expect(await router.ledger()).toMatchObject([{ status: "dead", error: { type: "NotListening" } }]);
  });

  it("is found also when its message was sent anew, as one is that was moved back", async () => {
    const router = await aRouter({ components: [mailer], target: async () => failed });
    const message = aMessage();
    await routeBatch(router.ports, [message]);
    await putRows(router.table, { "component#mailer": { ...mailer, pattern: { source: ["elsewhere"] } } });
    await router.time.pass(120_000);
    const movedBack = { ...message, messageId: "message-2", sentAt: router.ports.now() };
    expect(await routeBatch(router.ports, [movedBack])).toEqual([]);
    expect(await router.ledger()).toMatchObject([{ status: "dead", error: { type: "NotListening" } }]);
  });

  it("is dead, and says why, when the component has been removed", async () => {
    const router = await aRouter({ components: [mailer], target: async () => failed });
    const message = aMessage();
    await routeBatch(router.ports, [message]);
    await putRows(router.table, { "component#mailer": null });
    await router.time.pass(1_000);
    expect(await routeBatch(router.ports, [again(message)])).toEqual([]);
    expect(await router.ledger()).toMatchObject([{ status: "dead", error: { type: "NoComponent" } }]);
  });
});

describe("a record that is written again", () => {
  it("a record that is written again by the message that it is of, says what that message says", async () => {
    const router = await aRouter({ components: [mailer] });
    const { ports, calls, records } = router;
    calls.fail("record");
    const first = aMessage({ id: "first", idempotencyKey: "k", project: "one" });
    await expect(routeBatch(ports, [first])).rejects.toThrow("record failed");
    const other = aMessage({
      id: "other",
      idempotencyKey: "k",
      messageId: "m-2",
      sentAt: new Date(first.sentAt.getTime() + 5),
    });
    await routeBatch(ports, [other]);
    await routeBatch(ports, [again(first)]);
    expect((await records()).map(({ id }) => id)).toEqual(["first", "other"]);
  });
});
