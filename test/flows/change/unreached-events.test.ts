import { expect, it } from "vitest";
import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import type { RowChange } from "../../../shared/domain/routing/routing-change.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { MAX_PAGES } from "../../../shared/flows/change/preview-traffic.ts";
import { unreachedEvents } from "../../../shared/flows/change/unreached-events.ts";
import { aComponent, anEvent, aRecord, aSubjectRow, bodyOf } from "../../support/builders.ts";
import { noEvents } from "../../support/no-events.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const listening = (...source: string[]) => aComponent({ name: "mailer", pattern: { source } });
const of = (id: string, source: string, about: Partial<EventRecord> = {}) =>
  aRecord({ id, t0: now, components: ["mailer"], body: bodyOf(anEvent({ id, source })), ...about });

/** How many events of the last hour would be lost, and whether any were looked at. */
async function unreached(rows: RowChange[], records: EventRecord[] = [of("1", "shop"), of("2", "forge")]) {
  let looked = false;
  const events = {
    ...noEvents,
    async *records({ from, to }: { from: Date; to: Date }) {
      looked = true;
      yield records.filter(({ t0 }) => t0 >= from && t0 < to);
    },
  };
  const lost = await unreachedEvents(events, rows, now);
  return { lost: Object.fromEntries(lost), looked };
}

const narrowed: RowChange = { key: "component#mailer", before: listening("shop", "forge"), after: listening("shop") };

it("events are lost that the component had, and whose pattern matches them no more", async () => {
  expect((await unreached([narrowed])).lost).toEqual({ mailer: 1 });
  const records = [of("1", "forge"), of("2", "forge", { components: [] }), of("3", "forge", { rejected: "unread" })];
  expect((await unreached([narrowed], records)).lost).toEqual({ mailer: 1 });
  expect((await unreached([narrowed], [of("1", "shop")])).lost).toEqual({});
  expect((await unreached([narrowed], [of("1", "shop", { body: "]" })])).lost).toEqual({ mailer: 1 });
});

it("all of them are lost to a component that is removed, and none to one whose pattern stays", async () => {
  expect((await unreached([{ ...narrowed, after: null }])).lost).toEqual({ mailer: 2 });
  const same = { ...narrowed, after: { ...listening("shop", "forge"), timeoutMs: 1 } };
  expect(await unreached([same])).toEqual({ lost: {}, looked: false });
  const pinned: RowChange = { key: "customer#acme", before: null, after: aSubjectRow({ plan: "paid" }) };
  expect(await unreached([pinned])).toEqual({ lost: {}, looked: false });
});

it("of a component whose row couldn't be read those are lost that its new pattern doesn't match", async () => {
  const broken = new UnreadableRow("is broken", "{");
  expect((await unreached([{ ...narrowed, before: broken }])).lost).toEqual({ mailer: 1 });
});

it("of events those that a component had are asked alone, of no more pages than a preview looks at", async () => {
  const records = [of("1", "forge", { components: ["other", "mailer"] }), of("2", "forge", { components: ["other"] })];
  expect((await unreached([narrowed], records)).lost).toEqual({ mailer: 1 });
  let pages = 0;
  const events = {
    ...noEvents,
    async *records() {
      for (let n = 0; n < 30; n++) {
        pages++;
        yield [of(`${pages}`, "forge")];
      }
    },
  };
  expect(Object.fromEntries(await unreachedEvents(events, [narrowed], now))).toEqual({ mailer: MAX_PAGES });
  expect(pages).toBe(MAX_PAGES + 1);
});
