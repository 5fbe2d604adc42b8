import type { SQSBatchResponse } from "aws-lambda";
import { routerHandler } from "../../functions/router.ts";
import type { Claim } from "../../shared/domain/deliveries/delivery.ts";
import { arrivalControls } from "./arrival-controls.ts";
import type { Control } from "./breakage.ts";
import { crashControls } from "./crash-controls.ts";
import { replayControls } from "./replay-controls.ts";
import { rowControls } from "./row-controls.ts";
import { allOfKind, MINUTE, SECOND } from "./scenario.ts";
import { trustControls } from "./trust-controls.ts";

const dayLater = (at: Date) => new Date(at.getTime() + 24 * 60 * MINUTE);

export const controls: Record<string, Control> = {
  "no-fencing": {
    breaks: "a close counts whatever its attempt",
    shows: ["two runs at the same time", "ran after success"],
    weather: (scenario) => ({
      ...scenario,
      publications: allOfKind(scenario, "order paid").map((publication) => ({ ...publication, payload: 0 })),
      emphasis: ["version's answer slow", "bus duplicate", "version failed before its effect"],
      intensity: 1,
      skewMs: 0,
      routers: 4,
      batchSize: 1,
    }),
    breakage: {
      events: (events, { store }) => ({
        ...events,
        close: (closes) =>
          events.close(
            closes.map((close) => ({ ...close, attempt: store.entryOf(close.deliveryKey)?.attempt ?? close.attempt })),
          ),
      }),
    },
  },
  "send-before-claim": {
    breaks: "a delivery is sent while its claim is still on its way",
    shows: ["two runs at the same time", "attempt went back"],
    breakage: {
      events: (events, { store }) => ({
        ...events,
        async claim(requests, owner, now) {
          const asked = events.claim(requests, owner, now).catch(() => {});
          void asked;
          return requests.map((request): Claim => {
            const {
              attempt = 0,
              failures = 0,
              lapses = 0,
              since = now,
              t0 = request.t0,
            } = store.entryOf(request.deliveryKey) ?? {};
            const leaseUntil = new Date(now.getTime() + request.leaseMs);
            return { won: true, attempt: attempt + 1, failures, lapses, since, t0, leaseUntil };
          });
        },
      }),
    },
  },
  "constant-owner": {
    breaks: "every router claims under the same name",
    shows: ["two runs at the same time", "attempt went back"],
    breakage: { newId: () => "router" },
  },
  "no-dedup-in-batch": {
    breaks: "a key that a batch holds twice is claimed twice at once",
    shows: ["two runs at the same time", "attempt went back"],
    breakage: {
      router: (ports) => async (event, context) => {
        const owner = ports.newId();
        const handler = routerHandler({ ...ports, newId: () => owner });
        const responses = await Promise.all(event.Records.map((record) => handler({ Records: [record] }, context)));
        return { batchItemFailures: responses.flatMap(({ batchItemFailures }) => batchItemFailures) };
      },
    },
  },
  "ack-before-close": {
    breaks: "a message is deleted as soon as it is received",
    shows: ["lost", "stuck"],
    breakage: { deletesOnReceive: true },
  },
  "expiry-by-absence": {
    breaks: "a delivery is forgotten as soon as it is done",
    shows: ["ran after success", "attempt went back"],
    breakage: {
      events: (events, { store }) => ({
        ...events,
        async close(closes) {
          const taken = await events.close(closes);
          for (const { outcome, deliveryKey } of closes) if (outcome === "done") store.forget(deliveryKey);
          return taken;
        },
      }),
    },
  },
  "short-lease": {
    breaks: "a lease is shorter than the timeout, and the router doesn't know",
    shows: ["two runs at the same time"],
    breakage: {
      events: (events) => ({
        ...events,
        async claim(requests, owner, now) {
          const short = requests.map((request) => ({ ...request, leaseMs: 500 }));
          const claims = await events.claim(short, owner, now);
          return claims.map((claim, index) => {
            if (!claim.won) return claim;
            const leaseMs = requests[index]?.leaseMs ?? 0;
            return { ...claim, leaseUntil: new Date(claim.leaseUntil.getTime() - 500 + leaseMs) };
          });
        },
      }),
    },
  },
  "no-record": {
    breaks: "an event is sent without having been recorded",
    shows: ["lost"],
    breakage: { events: (events) => ({ ...events, record: async () => {} }) },
  },
  "stale-routing": {
    breaks: "the head of the change log is read once and never again",
    shows: ["misrouted"],
    breakage: {
      routing(cache) {
        let first: Promise<number> | undefined;
        return {
          ...cache,
          refresh() {
            first ??= cache.refresh();
            return first;
          },
        };
      },
    },
  },
  "other-payload": {
    breaks: "the same key with another payload is let through",
    shows: ["another payload ran"],
    breakage: {
      events: (events, { store }) => ({
        ...events,
        async claim(requests, owner, now) {
          const claims = await events.claim(requests, owner, now);
          return claims.map((claim, index): Claim => {
            const request = requests[index];
            const entry = request === undefined ? undefined : store.entryOf(request.deliveryKey);
            if (claim.won || claim.why !== "payload differs" || request === undefined || entry === undefined)
              return claim;
            const { attempt, failures, lapses, since } = entry;
            const leaseUntil = new Date(now.getTime() + request.leaseMs);
            return { won: true, attempt: attempt + 1, failures, lapses, since, t0: request.t0, leaseUntil };
          });
        },
      }),
    },
  },
  "sweeper-drops": {
    breaks: "the sweeper takes a delivery off its list before it has sent the message",
    shows: ["stuck", "lost"],
    weather: (scenario) => ({
      ...scenario,
      publications: allOfKind(scenario, "parcel packed"),
      emphasis: ["process crashed", "request lost", "throttled"],
      intensity: 1,
    }),
    breakage: {
      events: (events) => ({
        ...events,
        async due(now, limit) {
          const due = await events.due(now, limit);
          await events.handOver(due, dayLater(now));
          return due;
        },
        handOver: async () => {},
      }),
    },
  },
  "dead-letters-dropped": {
    breaks: "the consumer of the dead-letter queue deletes without closing",
    shows: ["lost", "stuck"],
    weather: (scenario) => ({ ...scenario, maxReceiveCount: 2 }),
    breakage: { deadLetters: () => async (): Promise<SQSBatchResponse> => ({ batchItemFailures: [] }) },
  },
  "poison-never-dead": {
    breaks: "a delivery that has failed as often as it may is tried again",
    shows: ["too many attempts", "stuck"],
    breakage: {
      events: (events) => ({
        ...events,
        close: (closes) =>
          events.close(
            closes.map((close) => {
              if (close.outcome !== "dead") return close;
              const at = new Date(close.at.getTime() + SECOND);
              return { ...close, outcome: "failed", nextAttemptAt: at, dueAt: at };
            }),
          ),
      }),
    },
  },
  "attempt-stays": {
    breaks: "a claim of a lapsed lease doesn't raise the attempt's number",
    shows: ["attempt went back", "two runs at the same time"],
    breakage: {
      events: (events, { store }) => ({
        ...events,
        async claim(requests, owner, now) {
          const claims = await events.claim(requests, owner, now);
          return claims.map((claim, index) => {
            const entry = store.entryOf(requests[index]?.deliveryKey ?? "");
            if (!claim.won || claim.attempt === 1 || entry?.owner !== owner) return claim;
            store.put({ ...entry, attempt: 1 });
            return { ...claim, attempt: 1 };
          });
        },
      }),
    },
  },
  "unstable-key": {
    breaks: "a version is given another key with every attempt",
    shows: ["duplicate effect"],
    breakage: {
      router: (ports) =>
        routerHandler({
          ...ports,
          target(send) {
            const { turnout, ...event } = JSON.parse(send.payload);
            const key = `${turnout.idempotencyKey} ${turnout.attempt}`;
            const told = { ...event, turnout: { ...turnout, idempotencyKey: key } };
            return ports.target({ ...send, payload: JSON.stringify(told) });
          },
        }),
    },
  },
  "close-let-go": {
    breaks: "a close that fails is taken for one that was made",
    shows: ["stuck", "lost"],
    weather: (scenario) => ({ ...scenario, emphasis: ["request lost", "throttled"], intensity: 1 }),
    breakage: {
      events: (events) => ({
        ...events,
        close: (closes) => events.close(closes).catch(() => closes.map(() => true)),
      }),
    },
  },
  "done-anyway": {
    breaks: "a delivery that failed is closed as done",
    shows: ["wrong outcome shown"],
    breakage: {
      events: (events) => ({
        ...events,
        close: (closes) =>
          events.close(closes.map((close) => (close.outcome === "failed" ? { ...close, outcome: "done" } : close))),
      }),
    },
  },
  ...arrivalControls,
  ...crashControls,
  ...replayControls,
  ...trustControls,
  ...rowControls,
};
