import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { claimAgainst } from "../../shared/domain/deliveries/ledger-rules.ts";
import { countsRequest, failuresRequest } from "../../shared/event-store/dynamodb-count-requests.ts";
import {
  dueItem,
  dueRequest,
  entriesRequest,
  insertEntry,
  moveDue,
  readDueItem,
  recordsRequest,
  removeDue,
  removeFirstClaim,
  replaceEntry,
} from "../../shared/event-store/dynamodb-event-requests.ts";
import { aClaimRequest } from "../support/builders.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const later = new Date("2026-11-20T10:05:00.000Z");

function claimed(): LedgerEntry {
  const request = aClaimRequest({ eventKey: "e".repeat(64) });
  const { entry } = claimAgainst(undefined, request, "ada", start);
  if (entry === undefined) throw new Error("not won");
  return entry;
}

describe("the event store's requests", () => {
  it("insert an entry by a statement that is the same for every entry of its kind", () => {
    const { Statement, Parameters } = insertEntry("events", claimed());
    expect(Statement).toBe(
      `INSERT INTO "events" VALUE {'pk': ?, 'sk': ?, 'v': ?, 's': ?, 'a': ?, 'o': ?, 'h': ?, 'expires': ?, 'e': ?}`,
    );
    expect(Parameters.slice(0, 6)).toEqual([`d#${"e".repeat(64)}`, "release-coordinator#live", 3, "claimed", 1, "ada"]);
  });

  it("replace an entry only as it was read, with or without a due time", () => {
    const entry = claimed();
    const condition = "WHERE pk=? AND sk=? AND a=? AND s=? AND o=?";
    const closed = replaceEntry("events", entry, { ...entry, status: "done", attempt: 1 });
    expect(closed.Statement).toBe(
      `UPDATE "events" SET "v"=? SET "s"=? SET "a"=? SET "o"=? SET "h"=? SET "expires"=? SET "e"=? REMOVE "d" ${condition}`,
    );
    expect(closed.Parameters.slice(-5)).toEqual([
      `d#${"e".repeat(64)}`,
      "release-coordinator#live",
      1,
      "claimed",
      "ada",
    ]);
    const parked = replaceEntry("events", entry, { ...entry, status: "failed", dueAt: later });
    expect(parked.Statement).toBe(
      `UPDATE "events" SET "v"=? SET "s"=? SET "a"=? SET "o"=? SET "h"=? SET "d"=? SET "expires"=? SET "e"=? ${condition}`,
    );
    expect(parked.Parameters).toContain(later.getTime());
  });

  it("replace the entry of a replay, and of what was one", () => {
    const entry = claimed();
    const reopened: LedgerEntry = { ...entry, attempt: 2, replay: "once-more" };
    expect(replaceEntry("events", entry, reopened).Statement).toContain(' SET "r"=? ');
    expect(replaceEntry("events", entry, reopened).Parameters).toContain("once-more");
    expect(replaceEntry("events", reopened, { ...entry, attempt: 3 }).Statement).toContain(' REMOVE "d" REMOVE "r" ');
  });

  it("move, remove and release on conditions", () => {
    const entry: LedgerEntry = { ...claimed(), status: "failed", attempt: 3, dueAt: start };
    const { pk, sk } = { pk: `d#${"e".repeat(64)}`, sk: "release-coordinator#live" };
    expect(moveDue("events", entry, later)).toEqual({
      Statement: 'UPDATE "events" SET d=? WHERE pk=? AND sk=? AND a=? AND s=? AND d=?',
      Parameters: [later.getTime(), pk, sk, 3, "failed", start.getTime()],
    });
    expect(removeDue("events", { pk: "due#0", sk: "x" }, 3)).toEqual({
      Statement: 'DELETE FROM "events" WHERE pk=? AND sk=? AND a=?',
      Parameters: ["due#0", "x", 3],
    });
    expect(removeFirstClaim("events", entry.deliveryKey, "ada", 1)).toEqual({
      Statement: 'DELETE FROM "events" WHERE pk=? AND sk=? AND a=? AND s=? AND o=?',
      Parameters: [pk, sk, 1, "claimed", "ada"],
    });
  });

  it("keep due items under the same keys for ever, in order of time", () => {
    const shards = [{ from: new Date(0), shards: 4 }];
    const due = { deliveryKey: `billing#${"e".repeat(64)}#live`, dueAt: start, attempt: 2 };
    const item = dueItem(due, later, shards);
    expect(item).toEqual({
      pk: "due#3",
      sk: `01795168800000#billing#${"e".repeat(64)}#live`,
      a: 2,
      expires: 1795169100,
    });
    expect(readDueItem(item)).toEqual(due);
    expect(dueItem({ ...due, dueAt: new Date(9) }, later, shards).sk < item.sk).toBe(true);
  });

  it("read consistently: an older look could miss what has been answered", () => {
    const window = { from: start, to: later };
    const requests = [
      entriesRequest("events", "e"),
      dueRequest("events", 0, start, 10),
      recordsRequest("events", "r#2026-11-20T10:00#0", window, 10),
      countsRequest("events", start, "minute"),
      failuresRequest("events", "billing", start, window, 10),
    ];
    expect(requests.map(({ ConsistentRead }) => ConsistentRead)).toEqual([true, true, true, true, true]);
  });
});
