import { expect, it } from "vitest";
import type { ClaimRequest, Close, LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { readOnly, statementRefused, statementServedBut } from "../support/batch-faults.ts";
import { aClaimRequest } from "../support/builders.ts";
import { aNewEventStore, anEventStore } from "../support/dynamodb-event-store.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import {
  after,
  answerLost,
  dynamodbProxy,
  edited,
  type Fault,
  refused,
  requestLost,
  servedBut,
} from "../support/dynamodb-proxy.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const error = { type: "Timeout", message: "took too long" };

let events = 0;
function aClaim(about: Partial<ClaimRequest> = {}): ClaimRequest {
  events += 1;
  return aClaimRequest({ idempotencyKey: `${events}`, leaseMs: 10_000, ...about });
}

function done({ deliveryKey }: ClaimRequest, attempt = 1): Close {
  return { deliveryKey, attempt, at: plus(1_000), outcome: "done" };
}

function failed({ deliveryKey }: ClaimRequest, attempt = 1): Close & { outcome: "failed" } {
  return { deliveryKey, attempt, at: plus(1_000), outcome: "failed", error, nextAttemptAt: plus(5_000) };
}

async function entryOf(store: EventStore, { eventKey }: ClaimRequest): Promise<LedgerEntry | undefined> {
  return (await store.deliveriesOf([eventKey])).get(eventKey)?.[0];
}

const passing: [string, Fault][] = [
  ["a throttle", refused("ProvisionedThroughputExceededException")],
  ["a request limit", refused("RequestLimitExceeded")],
  ["an internal error", refused("InternalServerError", { status: 500 })],
  ["an internal error after it was served", servedBut("InternalServerError", { status: 500 })],
  ["a request that was lost", requestLost],
  ["an answer that was lost", answerLost],
  ["a throttled statement", statementRefused(1, "ThrottlingError")],
  ["a statement over the limit", statementRefused(1, "RequestLimitExceeded")],
  ["a statement without throughput", statementRefused(1, "ProvisionedThroughputExceeded")],
  ["a statement that met a transaction", statementRefused(1, "TransactionConflict")],
  ["an internal error of a statement", statementRefused(1, "InternalServerError")],
  ["an internal error of a statement that was served", statementServedBut(1, "InternalServerError")],
];

const lasting: [string, string, RegExp][] = [
  ["AccessDenied", "not allowed", /may not be used with these credentials \(injected\)/],
  ["ResourceNotFound", "not found", /no DynamoDB table '.*'.*TURNOUT_EVENT_TABLE/],
  ["ValidationError", "failed", /refused a write as ValidationError: injected.*report this/],
  ["ItemCollectionSizeLimitExceeded", "failed", /local secondary index/],
  ["SomethingNew", "failed", /refused a write as SomethingNew/],
];

withDynamoDB("the ledger on DynamoDB under faults", (endpoint) => {
  /** A store reached through a proxy, and the same table reached directly. */
  async function throughProxy(maxAttempts?: number) {
    const proxy = await dynamodbProxy(endpoint);
    const direct = await aNewEventStore(endpoint);
    const { store, delays } = anEventStore(
      proxy.endpoint,
      direct.tableName,
      maxAttempts === undefined ? {} : { maxAttempts },
    );
    return { proxy, direct: direct.store, store, delays };
  }

  it.each(passing)("claims once all the same after %s", async (_, fault) => {
    const { proxy, direct, store, delays } = await throughProxy();
    const requests = [aClaim(), aClaim(), aClaim()];
    proxy.faults("BatchExecuteStatement", fault);
    expect(await store.claim(requests, "ada", start)).toMatchObject(requests.map(() => ({ won: true, attempt: 1 })));
    for (const request of requests) {
      expect(await entryOf(direct, request)).toMatchObject({
        status: "claimed",
        owner: "ada",
        attempt: 1,
        attempts: [],
      });
    }
    expect(delays).toHaveLength(1);
    // And remembers them: the closes need no read.
    const before = proxy.counts();
    expect(await store.close(requests.map((request) => done(request)))).toEqual([true, true, true]);
    expect(proxy.counts()).toEqual({ ...before, BatchExecuteStatement: (before.BatchExecuteStatement ?? 0) + 1 });
  });

  it.each(passing)("reclaims once all the same after %s", async (_, fault) => {
    const { proxy, direct, store } = await throughProxy();
    const requests = [aClaim(), aClaim(), aClaim()];
    await direct.claim(requests, "ada", start);
    proxy.faults("BatchExecuteStatement", (forward) => forward(), fault);
    expect(await store.claim(requests, "bob", plus(10_000))).toMatchObject(
      requests.map(() => ({ won: true, attempt: 2 })),
    );
    for (const request of requests) {
      expect(await entryOf(direct, request)).toMatchObject({ owner: "bob", attempt: 2, lapses: 1, attempts: [{}] });
    }
  });

  it.each(passing)("closes once all the same after %s", async (_, fault) => {
    const { proxy, direct, store, delays } = await throughProxy();
    const requests = [aClaim(), aClaim(), aClaim()];
    await store.claim(requests, "ada", start);
    proxy.faults("BatchExecuteStatement", fault);
    expect(await store.close(requests.map((request) => failed(request)))).toEqual([true, true, true]);
    for (const request of requests) {
      expect(await entryOf(direct, request)).toMatchObject({
        status: "failed",
        failures: 1,
        attempts: [{ attempt: 1 }],
      });
    }
    expect(delays).toHaveLength(1);
    // The very same close again is another one.
    expect(await store.close(requests.map((request) => failed(request)))).toEqual([false, false, false]);
  });

  it.each(passing)("releases all the same after %s", async (_, fault) => {
    const { proxy, direct, store } = await throughProxy();
    const requests = [aClaim(), aClaim(), aClaim()];
    await store.claim(requests, "ada", start);
    proxy.faults("BatchExecuteStatement", fault);
    await store.release(
      requests.map(({ deliveryKey }) => deliveryKey),
      "ada",
    );
    expect((await direct.deliveriesOf(requests.map(({ eventKey }) => eventKey))).size).toBe(0);
    expect(await store.claim(requests, "bob", start)).toMatchObject(requests.map(() => ({ won: true, attempt: 1 })));
  });

  it.each(lasting)("tells a statement's %s as '%s', and doesn't try again", async (code, kind, message) => {
    const { proxy, direct, store, delays } = await throughProxy();
    const requests = [aClaim(), aClaim()];
    proxy.faults("BatchExecuteStatement", statementRefused(0, code));
    const problem = await store.claim(requests, "ada", start).catch((thrown: unknown) => thrown);
    expect(problem).toMatchObject({ kind, message: expect.stringMatching(message) });
    await direct.claim(requests, "bob", start);
    const [, served] = requests;
    expect(served && (await entryOf(direct, served))?.owner).toBe("ada");
    proxy.faults("BatchExecuteStatement", statementRefused(0, code));
    await expect(store.close(requests.map((request) => done(request)))).rejects.toThrow(message);
    expect(delays).toEqual([]);
  });

  it("gives up with what to do when a statement is throttled for good", async () => {
    const { proxy, store, delays } = await throughProxy(4);
    proxy.faults("BatchExecuteStatement", ...Array.from({ length: 4 }, () => statementRefused(0, "ThrottlingError")));
    await expect(store.claim([aClaim()], "ada", start)).rejects.toThrow(/in 4 tries.*ThrottlingError.*metrics/);
    expect(delays).toHaveLength(3);
  });

  it("makes nothing of a claim whose answer was lost when another has it", async () => {
    const { proxy, direct, store } = await throughProxy();
    const request = aClaim();
    proxy.faults("BatchExecuteStatement", async (_forward) => {
      await direct.claim([request], "bob", start);
      return "cut";
    });
    expect(await store.claim([request], "ada", start)).toEqual([
      { won: false, why: "claimed by another", retryAt: plus(10_000) },
    ]);
    expect(await entryOf(direct, request)).toMatchObject({ owner: "bob" });
  });

  it("makes nothing of a close whose request was lost when a newer attempt has begun", async () => {
    const { proxy, direct, store } = await throughProxy();
    const request = aClaim();
    await store.claim([request], "ada", start);
    proxy.faults("BatchExecuteStatement", async () => {
      await direct.claim([request], "bob", plus(10_000));
      return "cut";
    });
    expect(await store.close([done(request)])).toEqual([false]);
    expect(await entryOf(direct, request)).toMatchObject({ status: "claimed", attempt: 2, owner: "bob" });
  });

  it("makes nothing of a close when the same owner has begun a newer attempt", async () => {
    const { direct, store } = await throughProxy();
    const request = aClaim();
    await store.claim([request], "ada", start);
    await direct.claim([request], "somebody", plus(10_000));
    await direct.claim([request], "ada", plus(20_000));
    expect(await store.close([done(request)])).toEqual([false]);
    expect(await entryOf(direct, request)).toMatchObject({ status: "claimed", attempt: 3, owner: "ada" });
  });

  it("makes nothing of another's close in the place of its own that was lost", async () => {
    const { proxy, direct, store } = await throughProxy();
    const request = aClaim();
    await store.claim([request], "ada", start);
    proxy.faults("BatchExecuteStatement", async () => {
      await direct.close([done(request)]);
      return "cut";
    });
    expect(await store.close([failed(request)])).toEqual([false]);
    expect(await entryOf(direct, request)).toMatchObject({ status: "done", attempts: [{ outcome: "done" }] });
  });

  it("claims what was free when it looked by what somebody did in between", async () => {
    const { proxy, direct, store } = await throughProxy();
    const requests = [aClaim(), aClaim()];
    await direct.claim(requests, "ada", start);
    await direct.close(requests.map((request) => failed(request)));
    proxy.faults(
      "BatchExecuteStatement",
      (forward) => forward(),
      after(() => direct.claim(requests.slice(0, 1), "bob", plus(5_000))),
    );
    expect(await store.claim(requests, "cleo", plus(5_000))).toMatchObject([
      { won: false, why: "claimed by another", retryAt: plus(15_000) },
      { won: true, attempt: 2, failures: 1 },
    ]);
  });

  it("claims an entry that DynamoDB removed between two looks as a new one", async () => {
    const { proxy, store } = await throughProxy();
    const request = aClaim();
    await store.claim([request], "ada", start);
    // Its answer says so: the item isn't there, which a real table may say after the insert was refused.
    proxy.faults(
      "BatchExecuteStatement",
      edited((answer) => answer),
      statementRefused(0, "DuplicateItem"),
    );
    proxy.faults(
      "BatchGetItem",
      edited((answer) => ({ ...answer, Responses: {} })),
    );
    expect(await store.claim([request], "bob", plus(10_000))).toMatchObject([{ won: true, attempt: 2 }]);
  });

  it("closes by what it reads when the entry is not as the claim left it", async () => {
    const { proxy, direct, store } = await throughProxy();
    const request = aClaim();
    await store.claim([request], "ada", start);
    const accepted = { outcome: "accepted", nextAttemptAt: plus(5_000), dueAt: plus(5_000) } as const;
    await direct.close([{ deliveryKey: request.deliveryKey, attempt: 1, at: plus(500), ...accepted }]);
    expect(await store.close([done(request)])).toEqual([true]);
    expect(await entryOf(direct, request)).toMatchObject({ status: "done", attempts: [{ outcome: "done" }] });
    expect(proxy.counts()).toMatchObject({ BatchExecuteStatement: 3, BatchGetItem: 1 });
  });

  it("reads all that lost, however little is read at a time", async () => {
    const { proxy, direct, store, delays } = await throughProxy();
    const requests = Array.from({ length: 7 }, () => aClaim());
    await direct.claim(requests, "ada", start);
    proxy.faults("BatchGetItem", readOnly(3), readOnly(0), readOnly(1));
    const claims = await store.claim(requests, "bob", start);
    expect(claims).toEqual(requests.map(() => ({ won: false, why: "claimed by another", retryAt: plus(10_000) })));
    expect(delays).toHaveLength(3);
    expect(JSON.stringify(proxy.requests("BatchGetItem")[0])).toContain('"ConsistentRead":true');
    proxy.faults("BatchGetItem", requestLost, refused("ThrottlingException"));
    expect(await store.claim(requests, "bob", start)).toEqual(claims);
  });

  it("rejects once all the same, whatever is repeated, throttled or lost", async () => {
    const { proxy, direct, store } = await throughProxy();
    const [request, other] = [aClaim(), aClaim()];
    const rejected = ({ leaseMs: _, ...asked }: ClaimRequest, owner: string): LedgerEntry => {
      const refusedFor = {
        status: "rejected",
        attempt: 0,
        failures: 0,
        lapses: 0,
        owner,
        attempts: [],
        error,
      } as const;
      return { ...asked, ...refusedFor, attempts: [], since: start, leaseUntil: start, closedAt: start };
    };
    proxy.faults("BatchExecuteStatement", answerLost, statementRefused(0, "TransactionConflict"));
    await store.reject([rejected(request, "ada"), rejected(other, "ada"), rejected(request, "bob")]);
    expect(await entryOf(direct, request)).toEqual(rejected(request, "ada"));
    expect(await entryOf(direct, other)).toEqual(rejected(other, "ada"));
  });
});
