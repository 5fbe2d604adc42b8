import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Claim,
  type ClaimRequest,
  type Close,
  type DeliveryError,
  HELD,
  type LedgerEntry,
} from "../../shared/domain/deliveries/delivery.ts";
import { outcomesOf } from "../../shared/domain/deliveries/event-outcome.ts";
import {
  claimAgainst,
  closeAgainst,
  MAX_STACK_CHARS,
  REMEMBERED_ATTEMPTS,
} from "../../shared/domain/deliveries/ledger-rules.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { aClaimRequest } from "../support/builders.ts";
import { aRecord } from "../support/stored-events.ts";
import { ledgerStep, rejected } from "./ledger-model.ts";
import { inTurmoil, turmoil } from "./ledger-turmoil.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const leaseMs = 10_000;
const error = { type: "Timeout", message: "took too long" };

/** A claim of a delivery that no other test knows. */
function aClaim(about: Partial<ClaimRequest> = {}): ClaimRequest {
  return aClaimRequest({ idempotencyKey: randomUUID(), t0: plus(-1_234), leaseMs, ...about });
}

type Stores = { store: EventStore; another: () => Promise<EventStore> };

/** The part of the event store's contract that is about deliveries: `claimAgainst` and `closeAgainst`, kept. */
export function describeLedger(
  name: string,
  openStore: () => Promise<Stores>,
  runs: (usual: number) => { numRuns: number },
): void {
  describe(`a claim in an event store (${name})`, () => {
    test("a claim of a delivery that nobody has claimed is won and entered", async () => {
      const { store } = await openStore();
      const request = aClaim({ alias: "beta", because: "customer pin", routingRevision: 42, generation: "replay-7" });
      const [claim] = await store.claim([request], "ada", start);
      expect(claim).toStrictEqual({
        won: true,
        attempt: 1,
        failures: 0,
        lapses: 0,
        since: start,
        t0: request.t0,
        leaseUntil: plus(leaseMs),
      });
      const { leaseMs: _, ...asked } = request;
      expect(await entryOf(store, request)).toStrictEqual({
        ...asked,
        status: "claimed",
        attempt: 1,
        failures: 0,
        lapses: 0,
        since: start,
        owner: "ada",
        leaseUntil: plus(leaseMs),
        attempts: [],
      });
    });

    test("a claim that comes again from its own owner is won again, unchanged", async () => {
      const { store, another } = await openStore();
      const request = aClaim();
      const first = await store.claim([request], "ada", start);
      expect(await (await another()).claim([request], "ada", plus(3_000))).toStrictEqual(first);
      expect(await entryOf(store, request)).toMatchObject({ attempt: 1, leaseUntil: plus(leaseMs), attempts: [] });
    });

    test.each<[state: string, after: State, at: Date, answer: Claim]>([
      ["claimed, its lease running", "claimed", plus(9_999), lost("claimed by another", plus(10_000))],
      ["claimed, its lease just over", "claimed", plus(10_000), won(2, 0, plus(10_000), 1)],
      ["failed, not due", "failed", plus(4_999), lost("not due", plus(5_000))],
      ["failed, just due", "failed", plus(5_000), won(2, 1, plus(5_000))],
      ["postponed, not due", "postponed", plus(4_999), lost("not due", plus(5_000))],
      ["postponed, just due: no failure", "postponed", plus(5_000), won(2, 0, plus(5_000))],
      ["parked, not due", "parked", plus(4_999), lost("parked", plus(5_000))],
      ["parked, just due", "parked", plus(5_000), won(2, 1, plus(5_000))],
      ["accepted, its deadline to come", "accepted", plus(4_999), lost("accepted", plus(5_000))],
      ["accepted, its deadline over", "accepted", plus(5_000), won(2, 0, plus(5_000), 1)],
      ["done", "done", plus(3_600_000), { won: false, why: "done" }],
      ["dead", "dead", plus(3_600_000), { won: false, why: "dead" }],
      ["rejected", "rejected", plus(3_600_000), { won: false, why: "rejected" }],
    ])("a claim by another owner is judged by what is there: %s", async (_what, state, at, answer) => {
      const { store, another } = await openStore();
      const request = aClaim();
      await bring(store, request, state);
      const before = await entryOf(store, request);
      const again = { ...request, alias: "beta", routingRevision: 2, t0: plus(777) };
      const [claim] = await (await another()).claim([again], "bob", at);
      expect(claim).toStrictEqual(answer);
      const expected = claimAgainst(before, again, "bob", at).entry ?? before;
      expect(await entryOf(store, request)).toStrictEqual(expected);
    });

    test.each<State>(["claimed", "failed", "postponed", "parked", "accepted", "done", "dead", "rejected"])(
      "with another payload is refused and changes nothing, the delivery being %s",
      async (state) => {
        const { store } = await openStore();
        const request = aClaim();
        await bring(store, request, state);
        const before = await entryOf(store, request);
        const other = { ...request, payloadHash: "b".repeat(64) };
        expect(await store.claim([other], "ada", plus(3_600_000))).toStrictEqual([
          { won: false, why: "payload differs", payloadHash: request.payloadHash },
        ]);
        expect(await entryOf(store, request)).toStrictEqual(before);
      },
    );

    test.each<State>(["claimed", "failed", "parked", "accepted", "done", "dead", "rejected"])(
      "of a delivery whose entry has expired begins anew, with the next number, it having been %s",
      async (state) => {
        const { store, another } = await openStore();
        const request = aClaim({ expiresAt: plus(60_000) });
        await bring(store, request, state);
        const before = await entryOf(store, request);
        const again = { ...request, payloadHash: "b".repeat(64), t0: plus(59_000), expiresAt: plus(120_000) };
        const { claim, entry } = claimAgainst(before, again, "bob", plus(60_000));
        expect(await (await another()).claim([again], "bob", plus(60_000))).toStrictEqual([claim]);
        expect(claim).toMatchObject({ won: true, attempt: (before?.attempt ?? 0) + 1, since: plus(60_000) });
        expect(await entryOf(store, request)).toStrictEqual(entry);
      },
    );

    test.each<State>(["dead", "failed", "parked"])(
      "by a replay reopens one that is %s, says so in the entry, and is found again as its own",
      async (state) => {
        const { store, another } = await openStore();
        const asArrived = aClaim({ expiresAt: plus(60_000) });
        await bring(store, asArrived, state);
        const request = { ...asArrived, reopenedBy: "after-the-outage" };
        const before = await entryOf(store, request);
        const { claim, entry } = claimAgainst(before, request, "bob", plus(2_000));
        expect(claim).toMatchObject({ won: true, attempt: 2, failures: 0, replay: "after-the-outage" });
        expect(await (await another()).claim([request], "bob", plus(2_000))).toStrictEqual([claim]);
        expect(await store.claim([request], "bob", plus(2_500))).toStrictEqual([claim]);
        expect(await entryOf(store, request)).toStrictEqual(entry);
        expect(await store.close([{ ...closed(request, 2), at: plus(3_000) }])).toEqual([true]);
        expect(await entryOf(store, request)).toMatchObject({ status: "done", replay: "after-the-outage" });
        // What begins anew is nobody's replay.
        const { reopenedBy: _, ...later } = { ...request, expiresAt: plus(120_000) };
        await store.claim([later], "cleo", plus(60_000));
        expect(await entryOf(store, later)).not.toHaveProperty("replay");
      },
    );

    test("of what a replay is the first to deliver as it arrived is its own, and due without a message", async () => {
      const { store, another } = await openStore();
      const request = { ...aClaim(), reopenedBy: "after-the-outage" };
      const { claim, entry } = claimAgainst(undefined, request, "bob", plus(0));
      expect(claim).toMatchObject({ won: true, attempt: 1, replay: "after-the-outage" });
      expect(await store.claim([request], "bob", plus(0))).toStrictEqual([claim]);
      expect(await entryOf(store, request)).toStrictEqual(entry);
      expect(entry?.dueAt?.getTime()).toBeGreaterThan(entry?.leaseUntil.getTime() ?? 0);
      expect(await store.close([{ ...closed(request, 1), at: plus(1_000) }])).toEqual([true]);
      expect(await (await another()).claim([request], "bob", plus(2_000))).toEqual([{ won: false, why: "done" }]);
    });

    test("a claim of another component or generation is another delivery", async () => {
      const { store } = await openStore();
      const live = aClaim();
      const { eventKey } = live;
      const billing = aClaim({ eventKey, component: "billing" });
      const replayed = aClaim({ eventKey, generation: "replay-1" });
      const claims = await store.claim([live, billing, replayed], "ada", start);
      expect(claims.map((claim) => claim.won)).toEqual([true, true, true]);
    });

    test("is answered in its place in the batch, of whatever size", async () => {
      const { store } = await openStore();
      const requests = Array.from({ length: 60 }, () => aClaim());
      const states = ["done", "claimed", undefined, "dead", "failed"] as const;
      const stateOf = (n: number) => states[n % states.length];
      await bringAll(store, requests, stateOf);
      const claims = await store.claim(requests, "bob", plus(1_000));
      const answers: Record<string, string> = {
        done: "done",
        claimed: "claimed by another",
        dead: "dead",
        failed: "not due",
      };
      expect(claims.map((claim) => (claim.won ? claim.attempt : claim.why))).toEqual(
        requests.map((_, n) => answers[stateOf(n) ?? ""] ?? 1),
      );
    });

    test("a claim of nothing is no error", async () => {
      const { store } = await openStore();
      expect(await store.claim([], "ada", start)).toEqual([]);
      expect(await store.close([])).toEqual([]);
      await store.reject([]);
      expect(await store.deliveriesOf([])).toEqual(new Map());
    });

    test("made by many at once is won by exactly one of them", async () => {
      const { store, another } = await openStore();
      const stores = [store, await another()];
      const requests = Array.from({ length: 10 }, () => aClaim());
      for (const [at, attempt] of [
        [start, 1],
        [plus(leaseMs), 2],
      ] as const) {
        const answers = await Promise.all(
          Array.from({ length: 16 }, (_, n) => {
            const turned = [...requests.slice(n % 10), ...requests.slice(0, n % 10)];
            return claimed(stores[n % 2] ?? store, turned, `owner ${n} of attempt ${attempt}`, at);
          }),
        );
        for (const { deliveryKey } of requests) {
          const claims = answers.map((answer) => answer.get(deliveryKey));
          expect(claims.filter((claim) => claim?.won)).toMatchObject([{ attempt }]);
          expect(claims.filter((claim) => claim?.won === false && claim.why === "claimed by another")).toHaveLength(15);
        }
      }
    });
  });

  describe(`a release in an event store (${name})`, () => {
    test("takes first claims back, as if they had never been made", async () => {
      const { store, another } = await openStore();
      const requests = Array.from({ length: 30 }, () => aClaim());
      await store.claim(requests, "ada", start);
      await store.release(
        requests.slice(1).map(({ deliveryKey }) => deliveryKey),
        "ada",
      );
      expect((await store.deliveriesOf(requests.map(({ eventKey }) => eventKey))).size).toBe(1);
      expect(await store.close(requests.slice(1).map((request) => closed(request, 1)))).toEqual(Array(29).fill(false));
      const again = await (await another()).claim(requests, "bob", plus(1));
      expect(again.slice(1)).toStrictEqual(
        Array.from({ length: 29 }, () => ({ ...won(1, 0, plus(1)), since: plus(1) })),
      );
      expect(again[0]).toEqual(lost("claimed by another", plus(leaseMs)));
      await store.release([], "ada");
    });

    test.each<State>(["claimed", "failed", "parked", "accepted", "done", "dead", "rejected"])(
      "leaves one alone that isn't this owner's first claim: %s",
      async (state) => {
        const { store } = await openStore();
        const request = aClaim();
        await bring(store, request, state);
        const before = await entryOf(store, request);
        const owner = state === "claimed" ? "bob" : "ada";
        await store.release([request.deliveryKey, aClaim().deliveryKey], owner);
        expect(await entryOf(store, request)).toStrictEqual(before);
      },
    );

    test("takes back what was only ever put off, and nothing that was tried", async () => {
      const { store } = await openStore();
      const [putOff, tried] = [aClaim(), aClaim()];
      const error = { type: "NoRoom", message: "no room" };
      const after = plus(60_000);
      await store.claim([putOff, tried], "ada", start);
      const close = { attempt: 1, at: plus(1), error, nextAttemptAt: after } as const;
      await store.close([
        { ...close, deliveryKey: putOff.deliveryKey, outcome: "postponed" },
        { ...close, deliveryKey: tried.deliveryKey, outcome: "failed" },
      ]);
      await store.claim([putOff, tried], "bob", after);
      await store.release([putOff.deliveryKey, tried.deliveryKey], "bob");
      expect(await entryOf(store, putOff)).toBeUndefined();
      expect(await entryOf(store, tried)).toMatchObject({ status: "claimed", attempt: 2 });
    });

    test("takes back what has only been held since its first claim, whose age begins anew each time", async () => {
      const { store } = await openStore();
      const request = aClaim();
      const held = { type: HELD, message: "the row of component mailer can't be read" };
      await store.claim([request], "ada", start);
      for (const attempt of [1, 2]) {
        const at = plus(attempt * 60_000);
        const close = { deliveryKey: request.deliveryKey, attempt, at, error: held, nextAttemptAt: at } as const;
        expect(await store.close([{ ...close, outcome: "postponed", dueAt: at }])).toEqual([true]);
        const [claim] = await store.claim([request], "ada", at);
        expect(claim).toMatchObject({ won: true, attempt: attempt + 1, failures: 0, since: at, untried: true });
      }
      await store.release([request.deliveryKey], "bob");
      expect(await entryOf(store, request)).toMatchObject({ attempt: 3 });
      await store.release([request.deliveryKey], "ada");
      expect(await entryOf(store, request)).toBeUndefined();
    });

    test("counts no lapse of a claim that no rule was asked for, and takes it back once nobody wants it", async () => {
      const { store } = await openStore();
      const request = aClaim({ because: "undecided" });
      const [first] = await store.claim([request], "ada", start);
      expect(first).toMatchObject({ attempt: 1, untried: true });
      const [claim] = await store.claim([request], "bob", plus(leaseMs));
      expect(claim).toMatchObject({ won: true, attempt: 2, lapses: 0, untried: true });
      expect(await entryOf(store, request)).toMatchObject({
        attempts: [{ attempt: 1, outcome: "postponed", error: { type: HELD } }],
      });
      await store.release([request.deliveryKey], "bob");
      expect(await entryOf(store, request)).toBeUndefined();
    });

    test("leaves one alone that was held only after it had failed", async () => {
      const { store } = await openStore();
      const request = aClaim();
      await bring(store, request, "failed");
      await store.claim([request], "ada", plus(5_000));
      const close = { deliveryKey: request.deliveryKey, attempt: 2, at: plus(5_000), nextAttemptAt: plus(5_000) };
      await store.close([{ ...close, outcome: "postponed", error: { type: HELD, message: "" } }]);
      const [claim] = await store.claim([request], "ada", plus(6_000));
      expect(claim).not.toHaveProperty("untried");
      await store.release([request.deliveryKey], "ada");
      expect(await entryOf(store, request)).toMatchObject({ attempt: 3, failures: 1, since: plus(6_000) });
    });

    test("leaves one alone that was begun before", async () => {
      const { store } = await openStore();
      const request = aClaim();
      await bring(store, request, "failed");
      await store.claim([request], "ada", plus(5_000));
      await store.release([request.deliveryKey], "ada");
      expect(await entryOf(store, request)).toMatchObject({ status: "claimed", attempt: 2, owner: "ada" });
      expect(await store.close([closed(request, 2)])).toEqual([true]);
    });
  });

  describe(`a close in an event store (${name})`, () => {
    test.each<[string, (base: Base) => Close]>([
      ["done", (base) => ({ ...base, outcome: "done" })],
      [
        "done by a version in a time",
        (base) => ({ ...base, outcome: "done", executedVersion: "23", durationMs: 12.5 }),
      ],
      ["dead", (base) => ({ ...base, outcome: "dead", error })],
      ["failed", (base) => ({ ...base, outcome: "failed", error, executedVersion: "23", nextAttemptAt: plus(5_000) })],
      ["postponed", (base) => ({ ...base, outcome: "postponed", error, nextAttemptAt: plus(5_000) })],
      ["parked", (base) => ({ ...base, ...failed(error), dueAt: plus(5_000) })],
      ["postponed and parked", (base) => ({ ...base, ...failed(error), outcome: "postponed", dueAt: plus(5_000) })],
      ["accepted", (base) => ({ ...base, outcome: "accepted", nextAttemptAt: plus(5_000), dueAt: plus(5_000) })],
      ["failed with a long message", (base) => ({ ...base, ...failed({ type: "E", message: "Ærø😀".repeat(999) }) })],
    ])("a close of the newest attempt takes effect: %s", async (_what, closeOf) => {
      const { store } = await openStore();
      const request = aClaim();
      await store.claim([request], "ada", start);
      const before = await entryOf(store, request);
      const close = closeOf({ deliveryKey: request.deliveryKey, attempt: 1, at: plus(1_000) });
      expect(await store.close([close])).toEqual([true]);
      expect(await entryOf(store, request)).toStrictEqual(closeAgainst(before, close));
    });

    test("a close of an attempt that a newer one has taken over from changes nothing", async () => {
      const { store, another } = await openStore();
      const request = aClaim();
      await store.claim([request], "ada", start);
      await (await another()).claim([request], "bob", plus(leaseMs));
      const before = await entryOf(store, request);
      expect(await store.close([closed(request, 1)])).toEqual([false]);
      expect(await entryOf(store, request)).toStrictEqual(before);
      expect(await store.close([closed(request, 2)])).toEqual([true]);
    });

    test("a close of an attempt whose lease is over, but that nobody has taken over from, takes effect", async () => {
      const { store } = await openStore();
      const request = aClaim();
      await store.claim([request], "ada", start);
      expect(await store.close([{ ...closed(request, 1), at: plus(3_600_000) }])).toEqual([true]);
      expect(await entryOf(store, request)).toMatchObject({ status: "done", closedAt: plus(3_600_000) });
    });

    test("of an attempt that is already closed, is still to come or was never claimed changes nothing", async () => {
      const { store } = await openStore();
      const [request, unknown] = [aClaim(), aClaim()];
      await store.claim([request], "ada", start);
      expect(await store.close([closed(request, 2)])).toEqual([false]);
      expect(await store.close([closed(request, 1)])).toEqual([true]);
      const before = await entryOf(store, request);
      expect(await store.close([{ ...closed(request, 1), ...failed(error) }, closed(unknown, 1)])).toEqual([
        false,
        false,
      ]);
      expect(await entryOf(store, request)).toStrictEqual(before);
      expect(await entryOf(store, unknown)).toBeUndefined();
    });

    test("is answered in its place in the batch, of whatever size", async () => {
      const { store } = await openStore();
      const requests = Array.from({ length: 60 }, () => aClaim());
      await store.claim(requests, "ada", start);
      const closes = requests.map((request, n) => closed(request, n % 3 === 0 ? 2 : 1));
      expect(await store.close(closes)).toEqual(requests.map((_, n) => n % 3 !== 0));
    });

    test.each<[string, Partial<Close>]>([
      ["done", { outcome: "done", executedVersion: "24", durationMs: 7 }],
      ["dead", { outcome: "dead", error }],
      ["failed", { ...failed(error), dueAt: plus(9_000) }],
    ])("settles an accepted attempt, from wherever the outcome comes: %s", async (_what, outcome) => {
      const { store, another } = await openStore();
      const request = aClaim();
      await bring(store, request, "accepted");
      const before = await entryOf(store, request);
      const close = { ...closed(request, 1), at: plus(2_000), ...outcome } as Close;
      expect(await (await another()).close([close])).toEqual([true]);
      expect(await entryOf(store, request)).toStrictEqual(closeAgainst(before, close));
      expect(await store.close([close, { ...closed(aClaim(), 1) }])).toEqual([false, false]);
    });

    test("a close as accepted comes too late once the outcome is known", async () => {
      const { store, another } = await openStore();
      const request = aClaim();
      await store.claim([request], "ada", start);
      expect(await (await another()).close([closed(request, 1)])).toEqual([true]);
      const accepted = { outcome: "accepted", nextAttemptAt: plus(5_000), dueAt: plus(5_000) } as const;
      expect(await store.close([{ ...closed(request, 1), ...accepted }])).toEqual([false]);
      expect(await entryOf(store, request)).toMatchObject({ status: "done", attempts: [{ outcome: "done" }] });
    });

    test("made by two at once is made once", async () => {
      const { store, another } = await openStore();
      const request = aClaim();
      await store.claim([request], "ada", start);
      const stores = [store, await another()];
      const closing = Array.from({ length: 10 }, (_, n) => (stores[n % 2] ?? store).close([closed(request, 1)]));
      expect((await Promise.all(closing)).flat().filter((taken) => taken)).toHaveLength(1);
      expect((await entryOf(store, request))?.attempts).toHaveLength(1);
    });

    test(`remembers ${REMEMBERED_ATTEMPTS} attempts of many, the first and the last ones`, async () => {
      const { store } = await openStore();
      const request = aClaim();
      for (let attempt = 1; attempt <= 12; attempt++) {
        const at = plus(attempt * 1_000);
        expect(await store.claim([request], `owner ${attempt}`, at)).toMatchObject([
          { attempt, failures: attempt - 1 },
        ]);
        const close = { ...closed(request, attempt), at, ...failed(error), nextAttemptAt: at };
        expect(await store.close([close])).toEqual([true]);
      }
      const entry = await entryOf(store, request);
      expect(entry?.attempts.map(({ attempt }) => attempt)).toEqual([1, 6, 7, 8, 9, 10, 11, 12]);
    });
  });

  describe(`an attempt in an event store (${name})`, () => {
    test("keeps what its version's log calls it, and the last error keeps its stack, cut where it is long", async () => {
      const { store } = await openStore();
      const request = aClaim();
      const stack = `Timeout: took too long\n    at handler (index.mjs:3:9)\n${"    at x (y)\n".repeat(200)}`;
      for (const attempt of [1, 2]) {
        const at = plus(attempt * 1_000);
        await store.claim([request], "ada", at);
        const failure = { ...failed({ ...error, stack }), requestId: `request-${attempt}` };
        await store.close([{ ...closed(request, attempt), at, ...failure, nextAttemptAt: at }]);
      }
      await store.claim([request], "ada", plus(3_000));
      await store.close([{ ...closed(request, 3), at: plus(3_000), requestId: "request-3" }]);
      const { attempts = [], error: kept } = (await entryOf(store, request)) ?? {};
      expect(attempts.map(({ requestId }) => requestId)).toEqual(["request-1", "request-2", "request-3"]);
      const [first, second, third] = attempts;
      expect([first?.error, third?.error, kept]).toEqual([error, undefined, undefined]);
      expect(second?.error?.stack?.length).toBeLessThanOrEqual(MAX_STACK_CHARS);
      expect(stack.startsWith(second?.error?.stack ?? "nothing")).toBe(true);
      expect(second?.error?.stack).toContain("at handler (index.mjs:3:9)");
    });
  });

  describe(`deliveries in an event store (${name})`, () => {
    test("are found by event, with all components and generations", async () => {
      const { store } = await openStore();
      const first = aClaim();
      const same = { eventKey: first.eventKey };
      const requests = [first, aClaim({ ...same, component: "billing" }), aClaim({ ...same, generation: "replay-1" })];
      const second = aClaim();
      await store.claim([...requests, second, aClaim()], "ada", start);
      const absent = aClaim().eventKey;
      const found = await store.deliveriesOf([first.eventKey, absent, second.eventKey, first.eventKey]);
      expect(keysIn(found)).toEqual({
        [first.eventKey]: requests.map(({ deliveryKey }) => deliveryKey).sort(),
        [second.eventKey]: [second.deliveryKey],
      });
    });

    test("that died are made good by a later generation that ended done, whichever way they are asked for", async () => {
      const { store, another } = await openStore();
      const live = aClaim();
      const { eventKey, t0, payloadHash, component } = live;
      const again = aClaim({ eventKey, generation: "replay-1" });
      const once = aClaim({ eventKey, generation: "replay-2" });
      const dead = (request: ClaimRequest) => ({ ...closed(request, 1), outcome: "dead", error }) as const;
      const closes = [dead(live), dead(again), closed(once, 1)];
      for (const [index, request] of [live, again, once].entries()) {
        await store.claim([request], "ada", plus(index * 1_000));
      }
      expect(await store.close(closes)).toEqual([true, true, true]);
      const other = await another();
      const byEvent = (await other.deliveriesOf([eventKey])).get(eventKey) ?? [];
      const byKey = (await other.deliveries(closes.map(({ deliveryKey }) => deliveryKey))).flatMap((one) => one ?? []);
      for (const entries of [byEvent, byKey]) {
        const record = aRecord({ t0, payloadHash, eventKey, components: [component] });
        const shown = outcomesOf(record, entries).map(({ status, repairedBy = "" }) => `${status} ${repairedBy}`);
        expect(shown.toSorted()).toEqual(["done ", "repaired replay-2", "repaired replay-2"]);
      }
    });

    test("are found for many events at once", async () => {
      const { store } = await openStore();
      const requests = Array.from({ length: 250 }, () => aClaim());
      await store.claim(requests, "ada", start);
      const found = await store.deliveriesOf(requests.map(({ eventKey }) => eventKey));
      expect(keysIn(found)).toEqual(
        Object.fromEntries(requests.map((request) => [request.eventKey, [request.deliveryKey]])),
      );
    });

    test("deliveries that are rejected are there, and the same key again changes nothing", async () => {
      const { store, another } = await openStore();
      const request = aClaim();
      const entry = rejected(request);
      await store.reject([entry]);
      await (await another()).reject([{ ...entry, owner: "bob", error: { type: "Other", message: "other" } }]);
      expect(await store.deliveriesOf([request.eventKey])).toStrictEqual(new Map([[request.eventKey, [entry]]]));
    });

    test("deliveries that are rejected leave one under the same key as it is", async () => {
      const { store } = await openStore();
      const request = aClaim();
      await store.claim([request], "ada", start);
      const before = await entryOf(store, request);
      await store.reject([rejected(request)]);
      expect(await entryOf(store, request)).toStrictEqual(before);
      expect(await store.close([closed(request, 1)])).toEqual([true]);
    });

    test("deliveries that are rejected for their payload stand beside the one that came first", async () => {
      const { store } = await openStore();
      const request = aClaim();
      await store.claim([request], "ada", start);
      const beside = { ...rejected(request), deliveryKey: `${request.deliveryKey}#${"b".repeat(64)}` };
      await store.reject([beside]);
      expect(keysIn(await store.deliveriesOf([request.eventKey]))).toEqual({
        [request.eventKey]: [request.deliveryKey, beside.deliveryKey],
      });
    });
  });

  describe(`ledger entries by key in an event store (${name})`, () => {
    test("are answered in their places, also one that isn't there", async () => {
      const { store, another } = await openStore();
      const live = aClaim();
      const { eventKey } = live;
      const requests = [live, aClaim({ eventKey, component: "billing" }), aClaim({ eventKey, generation: "replay-1" })];
      const refused = rejected(aClaim());
      const beside = { ...rejected(live), deliveryKey: `${live.deliveryKey}#${"b".repeat(64)}` };
      await store.claim(requests, "ada", start);
      await store.reject([refused, beside]);
      const claims = await Promise.all(requests.map((request) => entryOf(store, request)));
      const expected = [beside, claims[2], undefined, claims[0], refused, undefined, claims[1]];
      const [absent, otherComponent] = [aClaim(), aClaim({ eventKey, component: "other" })];
      const keys = [beside, requests[2], absent, live, refused, otherComponent, requests[1]];
      const asked = keys.map((one) => one?.deliveryKey ?? "");
      expect(await (await another()).deliveries(asked)).toStrictEqual(expected);
      expect(await store.deliveries([])).toEqual([]);
    });

    test("are answered for many, as the last answered write left them", async () => {
      const { store, another } = await openStore();
      const requests = Array.from({ length: 230 }, () => aClaim());
      const there = requests.filter((_, n) => n % 3 !== 0);
      await store.claim(there, "ada", start);
      const closing = there.filter((_, n) => n % 2 === 0);
      await (await another()).close(closing.map((request) => closed(request, 1)));
      const found = await store.deliveries(requests.map(({ deliveryKey }) => deliveryKey));
      const statusOf = (request: ClaimRequest) =>
        closing.includes(request) ? "done" : there.includes(request) ? "claimed" : undefined;
      expect(found.map((entry) => entry?.deliveryKey)).toEqual(
        requests.map((request) => (there.includes(request) ? request.deliveryKey : undefined)),
      );
      expect(found.map((entry) => entry?.status)).toEqual(requests.map(statusOf));
    });
  });

  describe(`the ledger of an event store (${name})`, () => {
    test("answers and remembers what claimAgainst and closeAgainst say, whatever is done", async () => {
      const { store } = await openStore();
      await fc.assert(
        fc.asyncProperty(fc.array(ledgerStep, { maxLength: 30 }), async (steps) => {
          const requests = Array.from({ length: 3 }, () => aClaim());
          const model = new Map<string, LedgerEntry>();
          let at = start;
          for (const { wait, run } of steps) {
            at = new Date(at.getTime() + wait);
            await run({ store, model, requests, at });
          }
          const found = await store.deliveriesOf(requests.map(({ eventKey }) => eventKey));
          expect(new Map([...found.values()].flat().map((entry) => [entry.deliveryKey, entry]))).toStrictEqual(model);
          const keys = requests.map(({ deliveryKey }) => deliveryKey);
          expect(await store.deliveries(keys)).toStrictEqual(keys.map((key) => model.get(key)));
        }),
        runs(300),
      );
    });

    test("has one live owner per delivery, and only the newest closes, whoever does what at once", async () => {
      const { store, another } = await openStore();
      const stores = [store, await another()];
      await fc.assert(
        fc.asyncProperty(turmoil, async (rounds) => {
          const requests = Array.from({ length: 2 }, () => aClaim({ leaseMs: 10 }));
          await inTurmoil(stores, requests, rounds, start);
        }),
        runs(200),
      );
    });
  });
}

type State = "claimed" | "failed" | "postponed" | "parked" | "accepted" | "done" | "dead" | "rejected";
type Base = { deliveryKey: string; attempt: number; at: Date };

/** Brings a new delivery into a state: claimed by ada at the start, closed a second later. */
async function bring(store: EventStore, request: ClaimRequest, state: State): Promise<void> {
  if (state === "rejected") return store.reject([rejected(request)]);
  expect(await store.claim([request], "ada", start)).toMatchObject([{ won: true }]);
  if (state === "claimed") return;
  const base = { deliveryKey: request.deliveryKey, attempt: 1, at: plus(1_000) };
  const later = { nextAttemptAt: plus(5_000), dueAt: plus(5_000) };
  const closes: Record<Exclude<State, "claimed" | "rejected">, Close> = {
    done: { ...base, outcome: "done" },
    dead: { ...base, outcome: "dead", error },
    failed: { ...base, outcome: "failed", error, nextAttemptAt: plus(5_000) },
    postponed: { ...base, outcome: "postponed", error, nextAttemptAt: plus(5_000) },
    parked: { ...base, outcome: "failed", error, ...later },
    accepted: { ...base, outcome: "accepted", ...later },
  };
  expect(await store.close([closes[state]])).toEqual([true]);
}

async function bringAll(
  store: EventStore,
  requests: readonly ClaimRequest[],
  stateOf: (n: number) => State | undefined,
): Promise<void> {
  await Promise.all(
    requests.map(async (request, n) => {
      const state = stateOf(n);
      if (state !== undefined) await bring(store, request, state);
    }),
  );
}

async function entryOf(store: EventStore, { eventKey, deliveryKey }: ClaimRequest): Promise<LedgerEntry | undefined> {
  const found = await store.deliveriesOf([eventKey]);
  return found.get(eventKey)?.find((entry) => entry.deliveryKey === deliveryKey);
}

/** Claims, and says which answer is for which delivery. */
async function claimed(store: EventStore, requests: readonly ClaimRequest[], owner: string, at: Date) {
  const claims = await store.claim(requests, owner, at);
  return new Map(requests.map(({ deliveryKey }, index) => [deliveryKey, claims[index]]));
}

function won(attempt: number, failures: number, at: Date, lapses = 0): Claim {
  return {
    won: true,
    attempt,
    failures,
    lapses,
    since: start,
    t0: plus(-1_234),
    leaseUntil: new Date(at.getTime() + leaseMs),
  };
}

function lost(why: "claimed by another" | "not due" | "parked" | "accepted", retryAt: Date): Claim {
  return { won: false, why, retryAt };
}

function closed({ deliveryKey }: ClaimRequest, attempt: number): Close {
  return { deliveryKey, attempt, at: plus(1_000), outcome: "done" };
}

function failed(why: DeliveryError) {
  return { outcome: "failed", error: why, nextAttemptAt: plus(5_000) } as const;
}

function keysIn(found: ReadonlyMap<string, LedgerEntry[]>): Record<string, string[]> {
  return Object.fromEntries(
    [...found].map(([eventKey, entries]) => [eventKey, entries.map(({ deliveryKey }) => deliveryKey).sort()]),
  );
}
