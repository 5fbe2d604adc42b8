import { expect, it, onTestFinished } from "vitest";
import { sqliteEventQueue } from "../../../shared/event-queue/sqlite-event-queue.ts";
import { sweepInboxes } from "../../../shared/flows/listen/sweep-inboxes.ts";
import { sqliteLaptopStore } from "../../../shared/laptop-store/sqlite-laptop-store.ts";
import { openDatabase } from "../../../shared/sqlite/database.ts";
import { aLease, anItem } from "../../contracts/laptop-store.contract.ts";

it("sweepInboxes gives back every other inbox before it tells of the one that can't be read", async () => {
  const database = openDatabase(":memory:");
  onTestFinished(() => database.close());
  const laptops = sqliteLaptopStore(database);
  const outcomes = sqliteEventQueue(database, { name: "outcomes" });
  for (const alias of ["laptop-ada", "laptop-bob"]) {
    await laptops.putLease(aLease({ alias }));
    await laptops.deliver(anItem({ alias, requestId: alias }));
  }
  const unreadable = async () => {
    throw new Error("a newer one has written it");
  };
  const inbox: typeof laptops.inbox = (about, limit) =>
    about.alias === "laptop-ada" ? unreadable() : laptops.inbox(about, limit);
  const now = () => new Date("2026-11-20T10:00:46.000Z");
  await expect(sweepInboxes({ laptops: { ...laptops, inbox }, outcomes, now })).rejects.toThrow("a newer one");
  expect(await laptops.inbox({ component: "mailer", alias: "laptop-ada" }, 10)).toHaveLength(1);
  expect(await laptops.inbox({ component: "mailer", alias: "laptop-bob" }, 10)).toEqual([]);
  expect(await outcomes.depth(now())).toMatchObject({ visible: 1 });
});
