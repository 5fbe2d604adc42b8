import { onTestFinished } from "vitest";
import type { TurnoutField } from "../../shared/domain/deliveries/delivered-event.ts";
import type { EventRecord, LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import type { DeliveryReport } from "../../shared/domain/deliveries/delivery-report.ts";
import type { Component } from "../../shared/domain/routing/component.ts";
import type { Row, RowKey } from "../../shared/domain/routing/routing-change.ts";
import type { ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import type { RecordedClaims } from "../../shared/event-store/event-store.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { deliveryCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import type { RouterPorts } from "../../shared/flows/deliver/router-ports.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";
import { sqliteRoutingTable } from "../../shared/routing-table/sqlite-routing-table.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import type { Send, SendResult, Target } from "../../shared/targets/target.ts";
import { simulatedTime } from "../simulation/simulated-time.ts";
import { type AboutEvent, aComponent, anEvent, bodyOf } from "./builders.ts";
import { portCalls, surrounded } from "./port-calls.ts";

export const T0 = new Date("2026-11-20T09:59:58.000Z");

/** A queue's message about an event. `body` stands for the event's own text where that matters. */
export function aMessage(about: AboutEvent & Partial<ReceivedMessage> = {}): ReceivedMessage {
  const { messageId = "message-1", receiveCount = 1, sentAt = T0, body = bodyOf(anEvent(about)) } = about;
  return { messageId, receiptHandle: `${messageId}:${receiveCount}`, body, sentAt, receiveCount };
}

/** The message as the queue hands it out the next time. */
export function again(message: ReceivedMessage): ReceivedMessage {
  return aMessage({ ...message, receiveCount: message.receiveCount + 1 });
}

/** The field that the router added to what the target received. */
export function turnoutOf(send: Send | undefined): Partial<TurnoutField> {
  return JSON.parse(send?.payload ?? "{}").turnout;
}

export const done: SendResult = { outcome: "done", executedVersion: "7", durationMs: 5 };
export const failed: SendResult = { outcome: "failed", error: { type: "Broken", message: "it broke" }, durationMs: 5 };

/** Commits these rows as the next change. */
export async function putRows(table: RoutingTable, rows: { [key in RowKey]?: Row | null }): Promise<void> {
  const head = await table.head();
  const changes = Object.entries(rows).map(([key, after = null]) => ({ key: key as RowKey, before: null, after }));
  const meta = { changeId: `change-${head + 1}`, at: T0, who: "ada", why: "a test", command: "put" };
  const result = await table.commit({ ...meta, rows: changes }, head);
  if (!result.committed) throw new Error(`change ${head + 1} was overtaken`);
}

export type RouterOptions = {
  components?: Component[];
  rows?: { [key in RowKey]?: Row };
  /** Default: done at once. */
  target?: Target;
};

/**
 * A router's ports on SQLite in memory, with time, chance and ids in the test's hand. Every call of a port goes through
 * `calls`, a send as `send COMPONENT`.
 */
export async function aRouter({
  components = [aComponent()],
  rows = {},
  target = async () => done,
}: RouterOptions = {}) {
  const database = openDatabase(":memory:");
  onTestFinished(() => database.close());
  const table = sqliteRoutingTable(database);
  const events = sqliteEventStore(database);
  await putRows(table, { ...Object.fromEntries(components.map((row) => [`component#${row.name}`, row])), ...rows });

  const time = simulatedTime();
  const calls = portCalls();
  const sends: Send[] = [];
  const reports: DeliveryReport[] = [];
  const troubles: unknown[] = [];
  let ids = 0;
  let counters = 0;
  const shared = {
    now: time.now,
    newId: () => `id-${++ids}`,
    delay: time.delay,
    onError: (error: unknown) => void troubles.push(error),
  };
  const ports: RouterPorts & { events: RecordedClaims } = {
    ...shared,
    routing: routingCache(surrounded(table, ["head", "changesAfter", "rows", "components"], calls.around)),
    events: surrounded(
      events,
      ["record", "find", "claim", "recordAndClaim", "takeBack", "close", "reject"],
      calls.around,
    ),
    counter: deliveryCounter({
      ...shared,
      events: surrounded(events, ["count"], calls.around),
      whileIdle: shared.delay,
      newId: () => `counter-${++counters}`,
    }),
    target: (send) => {
      sends.push(send);
      return calls.around(`send ${send.component}`, () => target(send));
    },
    random: () => 0.5,
    report: (report) => void reports.push(report),
  };

  async function records(): Promise<EventRecord[]> {
    const all = { from: new Date(0), to: new Date("2100-01-01") };
    return (await Array.fromAsync(events.records(all, time.now()))).flat();
  }
  /** Every ledger entry, by delivery key. */
  async function ledger(): Promise<LedgerEntry[]> {
    const keys = database.connection.prepare("SELECT DISTINCT event_key FROM deliveries ORDER BY event_key").all();
    return [...(await events.deliveriesOf(keys.map((row) => String(row.event_key)))).values()].flat();
  }
  /** What was counted in each minute: component, version, outcome and how many. */
  async function counts(): Promise<[Date, string, string, string, number][]> {
    await ports.counter.flush();
    const read = await events.counts({ from: new Date(0), to: new Date("2100-01-01") }, "minute");
    return read.counts
      .flatMap(({ at, component, version, outcomes }) =>
        [...outcomes].map(([outcome, count]): [Date, string, string, string, number] => [
          at,
          component,
          version,
          outcome,
          count,
        ]),
      )
      .toSorted(([at, ...one], [then, ...other]) => at.getTime() - then.getTime() || (`${one}` < `${other}` ? -1 : 1));
  }
  /** Puts this text in the place of a stored row, as no commit would. Only a router that begins anew sees it. */
  function damage(key: RowKey, text: string): void {
    database.connection.prepare("UPDATE routing_rows SET value = ? WHERE key = ?").run(text, key);
  }
  /** Puts this text in the place of every ledger entry, as no claim or close would. */
  function damageEntries(text: string): void {
    database.connection.prepare("UPDATE deliveries SET entry = ?").run(text);
  }
  const looks = { records, ledger, counts, damage, damageEntries };
  return { database, ports, table, events, time, calls, sends, reports, troubles, ...looks };
}
