import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { redeliveryBody } from "../../../shared/domain/deliveries/redelivery.ts";
import { decideBatch } from "../../../shared/flows/deliver/decide-batch.ts";
import { parseMessage } from "../../../shared/flows/deliver/route-message.ts";
import { aComponent } from "../../support/builders.ts";
import { aMessage, aRouter } from "../../support/router.ts";
import { anEntry } from "../../support/stored-events.ts";

const HOUR_MS = 3_600_000;

type About = Parameters<typeof aMessage>[0];

/** What is decided of these messages, where the ledger has entries that follow from what is decided without it. */
async function decided(
  messages: readonly About[],
  {
    entries = [],
    received = false,
    rows = {},
  }: { entries?: Partial<LedgerEntry>[]; received?: boolean; rows?: Parameters<typeof aRouter>[0] } = {},
) {
  const { ports } = await aRouter({ components: [aComponent({ name: "mailer" })], ...rows });
  const looks: string[][] = [];
  const routed = await decideBatch(
    {
      now: ports.now,
      routing: ports.routing,
      events: {
        find: async (asked) => asked.map(() => undefined),
        deliveriesOf: async (keys) => {
          looks.push([...keys]);
          const { t0, payloadHash } = await theRecord();
          return new Map(
            keys.map((key) => [key, entries.map((about) => anEntry({ eventKey: key, t0, payloadHash, ...about }))]),
          );
        },
      },
    },
    messages.map((about) => parseMessage(aMessage(about))),
    received,
  );
  async function theRecord() {
    const [message] = messages;
    const parsed = parseMessage(aMessage({ ...message, receiveCount: 1 }));
    const events = { find: async () => [], deliveriesOf: async () => new Map() };
    const [first] = await decideBatch({ ...ports, events }, [parsed], false);
    if (first === undefined) throw new Error("nothing was decided");
    return first.record;
  }
  const routesOf = routed.map(({ routes }) => routes.map(({ component, refused }) => [component.name, refused?.type]));
  return { routed, looks, routesOf, components: routed.map(({ record }) => record.components) };
}

const now = new Date("2026-11-20T10:00:00.000Z").getTime();
/** One whose event says that it has just happened. */
const at = (ms: number): About => ({ sentAt: new Date(ms), time: new Date(ms).toISOString() });

describe("what an earlier receive has done is looked up", () => {
  it.each<[string, About, number]>([
    ["not for a message that comes for the first time", at(now), 0],
    ["for one that comes again", { ...at(now), receiveCount: 2 }, 1],
    ["for one that may have been redriven, an hour old", at(now - HOUR_MS), 1],
    ["not for a younger one", at(now - HOUR_MS + 1), 0],
    [
      "for one that was sent anew, more than a minute after its event",
      { ...at(now), time: "2026-11-20T09:58:59.999Z" },
      1,
    ],
    ["not for one that took its minute to be sent", { ...at(now), time: "2026-11-20T09:59:00.000Z" }, 0],
  ])("%s", async (_, message, looks) => {
    expect((await decided([message])).looks).toHaveLength(looks);
  });

  it("for all of those that are known to have been received before, once an event", async () => {
    const messages = [at(now), { ...at(now), messageId: "again" }, { ...at(now), id: "event-2" }];
    const { looks, routed } = await decided(messages, { received: true });
    expect(looks).toEqual([[...new Set(routed.map(({ record }) => record.eventKey))]]);
    expect(looks[0]).toHaveLength(2);
  });

  it("never for a redelivery, whose record is there", async () => {
    const { eventKey, payloadHash, t0 } = anEntry();
    const body = redeliveryBody({ component: "mailer", generation: "live", eventKey, payloadHash, t0 });
    const { looks, routesOf } = await decided([{ ...at(now), body, receiveCount: 9 }], { received: true });
    expect(looks).toEqual([]);
    expect(routesOf).toEqual([[["mailer", "RecordGone"]]]);
  });
});

describe("components that have had the event of a message that comes again", () => {
  const again = { ...at(now), receiveCount: 2 };
  const audit = { component: "audit", status: "done" } as const;

  it.each<[string, Partial<LedgerEntry>, boolean]>([
    ["that is at rest", audit, true],
    ["that was decided", { ...audit, status: "failed", dueAt: new Date(now) }, true],
    ["that is dead, though never decided", { ...audit, status: "dead", because: "undecided" }, true],
    [
      "but not one that waits undecided",
      { ...audit, status: "failed", because: "undecided", dueAt: new Date(now) },
      false,
    ],
    ["but not one of a replay", { ...audit, generation: "replay-1" }, false],
    ["but not one of another event of its key", { ...audit, payloadHash: "b".repeat(64) }, false],
  ])("stay named in its record by a delivery %s", async (_, entry, named) => {
    const { components, routesOf } = await decided([again], { entries: [entry] });
    expect(components).toEqual([named ? ["mailer", "audit"] : ["mailer"]]);
    expect(routesOf).toEqual([[["mailer", undefined]]]);
  });

  it("are named once", async () => {
    const { components } = await decided([again], { entries: [{ component: "mailer", status: "done" }, audit] });
    expect(components).toEqual([["mailer", "audit"]]);
  });

  it("aren't told of another message of the event, which comes for the first time", async () => {
    const { components } = await decided([again, { ...at(now), messageId: "message-2" }], { entries: [audit] });
    expect(components).toEqual([["mailer", "audit"], ["mailer"]]);
  });
});

describe("what a component that listens no more has left open", () => {
  const again = { ...at(now), receiveCount: 2 };
  const left = { component: "audit", status: "failed" } as const;

  it.each<[string, Partial<LedgerEntry>, boolean]>([
    ["failed", left, true],
    ["was claimed", { ...left, status: "claimed" }, true],
    ["is at rest", { ...left, status: "done" }, false],
    ["was accepted", { ...left, status: "accepted" }, false],
    ["is the sweeper's to bring back", { ...left, dueAt: new Date(now) }, false],
    ["is a replay's", { ...left, generation: "replay-1" }, false],
    ["is of another payload", { ...left, payloadHash: "b".repeat(64) }, false],
  ])("is told by whether its delivery %s", async (_, entry, closed) => {
    const { routesOf } = await decided([again], { entries: [entry] });
    expect(routesOf).toEqual([[["mailer", undefined], ...(closed ? [["audit", "NoComponent"]] : [])]]);
  });

  it("is told from what a component that still listens has open", async () => {
    const { routesOf } = await decided([again], { entries: [{ component: "mailer", status: "failed" }] });
    expect(routesOf).toEqual([[["mailer", undefined]]]);
  });

  it("concerns no other message of the batch", async () => {
    const messages = [again, { ...at(now), id: "event-2", messageId: "message-2" }];
    const { routesOf } = await decided(messages, { entries: [left] });
    expect(routesOf).toEqual([
      [
        ["mailer", undefined],
        ["audit", "NoComponent"],
      ],
      [["mailer", undefined]],
    ]);
  });
});
