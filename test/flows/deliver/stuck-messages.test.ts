import { expect, it, onTestFinished } from "vitest";
import { HANDED_OUT_MS } from "../../../shared/event-queue/event-queue.ts";
import { sqliteEventQueue } from "../../../shared/event-queue/sqlite-event-queue.ts";
import { stuckMessages } from "../../../shared/flows/deliver/stuck-messages.ts";
import { openDatabase } from "../../../shared/sqlite/database.ts";
import { aComponent } from "../../support/builders.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);

/** Two components, of which the slower one may take 60 s. With lease and slack a message is stuck after 95 s. */
const STUCK_MS = 95_000;
const components = [aComponent({ timeoutMs: 1_000 }), aComponent({ name: "mailer", timeoutMs: 60_000 })];
const routingTable = { components: async () => ({ revision: 1, components, unreadable: [], usersHaveRows: false }) };

async function aQueueOf(...bodies: string[]) {
  const database = openDatabase(":memory:");
  onTestFinished(() => database.close());
  const queue = sqliteEventQueue(database);
  await queue.send(bodies, start);
  const stuckAt = (ms: number) => stuckMessages({ queue, routingTable }, plus(ms));
  return { queue, stuckAt };
}

it("stuckMessages counts what has been in flight for longer than any component may take, and nothing sooner", async () => {
  const { queue, stuckAt } = await aQueueOf("a", "b", "waits");
  await queue.receive(2, HANDED_OUT_MS, start);
  expect(await stuckAt(STUCK_MS - 1)).toBe(0);
  expect(await stuckAt(STUCK_MS)).toBe(2);
});

it("stuckMessages counts what has been in flight for 35 s where there is no component", async () => {
  const { queue } = await aQueueOf("a");
  await queue.receive(1, HANDED_OUT_MS, start);
  const none = { components: async () => ({ revision: 1, components: [], unreadable: [], usersHaveRows: false }) };
  expect(await stuckMessages({ queue, routingTable: none }, plus(34_999))).toBe(0);
  expect(await stuckMessages({ queue, routingTable: none }, plus(35_000))).toBe(1);
});

it("stuckMessages doesn't count what was deleted, nor what was told when to come back, be it late", async () => {
  const { queue, stuckAt } = await aQueueOf("a", "b", "c");
  const [a, b] = await queue.receive(3, HANDED_OUT_MS, start);
  await queue.delete([a?.receiptHandle ?? ""]);
  await queue.changeVisibility(b?.receiptHandle ?? "", 845_000, plus(1_000));
  expect(await stuckAt(STUCK_MS)).toBe(1);
});

it("stuckMessages counts until a quarter of an hour before it comes back by itself, when one told so late looks alike", async () => {
  const { queue, stuckAt } = await aQueueOf("a");
  await queue.receive(1, HANDED_OUT_MS, start);
  expect(await stuckAt(HANDED_OUT_MS - 900_001)).toBe(1);
  expect(await stuckAt(HANDED_OUT_MS - 900_000)).toBe(0);
  await queue.receive(1, HANDED_OUT_MS, plus(HANDED_OUT_MS));
  expect(await stuckAt(HANDED_OUT_MS + 1)).toBe(0);
});
