import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Attempt, LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { claimAgainst, closeAgainst } from "../../shared/domain/deliveries/ledger-rules.ts";
import {
  decodeEntry,
  encodeEntry,
  entryKey,
  itemBytes,
  MAX_ENTRY_BYTES,
} from "../../shared/event-store/entry-codec.ts";
import { anyEntry } from "../support/any-entry.ts";
import { aClaimRequest } from "../support/builders.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const owner = "0b0f5a52-6d0c-4d5c-8d3a-5d2c3e4f5a6b";

function claimed(): LedgerEntry {
  const request = aClaimRequest({ alias: "beta", because: "customer pin", routingRevision: 42, t0: plus(-1_234) });
  const { entry } = claimAgainst(undefined, request, owner, start);
  if (entry === undefined) throw new Error("not won");
  return entry;
}

function itemOf(entry: LedgerEntry) {
  return { ...entryKey(entry.deliveryKey), ...encodeEntry(entry) };
}

describe("a ledger entry as an item", () => {
  it("stands under its event, by component and generation", () => {
    const eventKey = "e".repeat(64);
    expect(entryKey(`billing#${eventKey}#live`)).toEqual({ pk: `d#${eventKey}`, sk: "billing#live" });
    expect(entryKey(`billing#${eventKey}#replay-7#hash`)).toEqual({ pk: `d#${eventKey}`, sk: "billing#replay-7#hash" });
  });

  it("keeps this form for ever", () => {
    const done = closeAgainst(claimed(), {
      deliveryKey: claimed().deliveryKey,
      attempt: 1,
      at: plus(120),
      outcome: "done",
      executedVersion: "23",
      durationMs: 12.5,
    });
    if (done === undefined) throw new Error("not closed");
    expect(encodeEntry(done)).toEqual({
      v: 3,
      s: "done",
      a: 1,
      o: Buffer.from("0b0f5a526d0c4d5c8d3a5d2c3e4f5a6b", "hex"),
      h: Buffer.from("aa".repeat(32), "hex"),
      e: '[1795168800000,-1234,35000,0,0,42,"beta","customer pin",0,0,"23",null,120,0,[1,120,"d","23",12.5]]',
      expires: 1800180000,
    });
  });

  it("is read by the name that its rule had before", () => {
    const item = itemOf({ ...claimed(), because: "replay destination" });
    const older = { ...item, e: String(item.e).replace("replay destination", "replay target") };
    expect(decodeEntry(older).because).toBe("replay destination");
  });

  it("takes a third of a write unit on the happy path, uncompressed", () => {
    const item = itemOf(claimed());
    expect(typeof item.e).toBe("string");
    expect(itemBytes(item)).toBeLessThan(350);
  });

  it("comes back as it was when it fits", () => {
    let fits = 0;
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const plain =
          Buffer.byteLength(JSON.stringify(entry.attempts)) + Buffer.byteLength(JSON.stringify(entry.error ?? ""));
        if (plain > 350) return;
        fits += 1;
        expect(decodeEntry(itemOf(entry))).toStrictEqual(entry);
      }),
      { numRuns: 2_000 },
    );
    expect(fits).toBeGreaterThan(100);
  });

  it("is within 1 KB and still says what counts, whatever its attempts have said", () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const item = itemOf(entry);
        expect(itemBytes(item)).toBeLessThanOrEqual(MAX_ENTRY_BYTES);
        const { attempts, error: _, executedVersion: __, ...facts } = decodeEntry(item);
        const { attempts: known, error: ___, executedVersion: ____, ...expected } = entry;
        expect(facts).toStrictEqual(expected);
        // The newest attempts, up to the last one: by it a close knows itself again.
        const numbers = known.map(({ attempt: number, at, outcome }) => ({ number, at, outcome }));
        const kept = attempts.map(({ attempt: number, at, outcome }) => ({ number, at, outcome }));
        expect(kept).toStrictEqual(kept.length === 0 ? [] : numbers.slice(-kept.length));
        expect(kept.length === 0).toBe(known.length === 0);
      }),
      { numRuns: 1_000 },
    );
  });

  it("cuts the words of the oldest attempts first, and keeps the last error's", () => {
    const chance = fc.sample(fc.string({ unit: "grapheme-composite", minLength: 100, maxLength: 100 }), {
      numRuns: 8,
      seed: 1,
    });
    const attempts = chance.map((text, n): Attempt => {
      const message = text.slice(0, 120).toWellFormed();
      return { attempt: n + 1, at: plus(n), outcome: "failed", version: "23", error: { type: "Timeout", message } };
    });
    const last = attempts.at(-1)?.error;
    if (last === undefined) throw new Error("no error");
    const entry: LedgerEntry = { ...claimed(), status: "dead", attempt: 8, attempts, error: last };
    const decoded = decodeEntry(itemOf(entry));
    expect(decoded.error).toEqual(last);
    expect(decoded.attempts.map(({ attempt: number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const lengths = decoded.attempts.map(({ error: said }) => said?.message.length ?? 0);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
    expect(lengths[0]).toBeLessThan(last.message.length);
    expect(decoded.attempts.at(-1)).toEqual(attempts.at(-1));
  });

  it("remembers eight attempts that failed alike, word for word", () => {
    const said = {
      type: "TypeError",
      message: "Cannot read properties of undefined (reading 'total') – Ærø".repeat(4),
    };
    const attempts = Array.from({ length: 8 }, (_, n): Attempt => {
      return { attempt: n + 1, at: plus(n * 1_000), outcome: "failed", version: "23", durationMs: 12.25, error: said };
    });
    const entry: LedgerEntry = { ...claimed(), attempt: 8, failures: 8, attempts, error: said, executedVersion: "23" };
    expect(itemOf(entry).e).toBeInstanceOf(Uint8Array);
    expect(decodeEntry(itemOf(entry))).toStrictEqual(entry);
  });
});
