import fc from "fast-check";
import { type Attempt, deliveryStatuses, type LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
const date = fc.date({ min: new Date(0), max: new Date("2200-01-01"), noInvalidDate: true });
const words = fc.oneof(fc.string({ unit: "binary", maxLength: 256 }), fc.string({ unit: "grapheme", maxLength: 64 }));
const error = fc.record({ type: words, message: words }, { noNullPrototype: true });
const stack = fc.string({ unit: "grapheme", maxLength: 1_000 });
const name = (maxLength: number) => fc.string({ unit: fc.constantFrom(..."abc-019xyz"), minLength: 1, maxLength });
const maybe = <T>(key: string, arbitrary: fc.Arbitrary<T>) =>
  fc.option(arbitrary, { nil: undefined }).map((value) => (value === undefined ? {} : { [key]: value }));

const attempt: fc.Arbitrary<Attempt> = fc
  .tuple(
    fc.record({
      attempt: fc.nat(1_000),
      at: date,
      outcome: fc.constantFrom<Attempt["outcome"][]>(
        "done",
        "failed",
        "dead",
        "postponed",
        "accepted",
        "lease lapsed",
        "outcome missing",
      ),
    }),
    maybe("version", name(64)),
    maybe("durationMs", fc.double({ min: 0, max: 900_000, noNaN: true })),
    maybe("requestId", fc.uuid()),
    maybe(
      "error",
      fc.tuple(error, maybe("stack", stack)).map(([said, where]) => ({ ...said, ...where })),
    ),
  )
  .map((parts) => Object.assign({}, ...parts) as Attempt);

/** Any entry of the ledger, also such as no rule would make. */
export const anyEntry: fc.Arbitrary<LedgerEntry> = fc
  .tuple(
    fc.record({
      component: name(64),
      eventKey: hex(64),
      generation: fc.oneof(
        fc.constant("live"),
        fc.uuid().map((id) => `replay-${id}`),
      ),
      status: fc.constantFrom(...deliveryStatuses),
      attempt: fc.nat(1_000),
      failures: fc.nat(100),
      lapses: fc.nat(20),
      since: date,
      owner: fc.oneof(fc.uuid(), name(40)),
      leaseUntil: date,
      payloadHash: hex(64),
      t0: date,
      alias: name(128),
      because: fc.constantFrom<LedgerEntry["because"][]>("default alias", "customer pin", "replay destination"),
      routingRevision: fc.nat(),
      attempts: fc.array(attempt, { maxLength: 8 }),
      expiresAt: date,
    }),
    maybe("executedVersion", name(64)),
    maybe("nextAttemptAt", date),
    maybe("dueAt", date),
    maybe("closedAt", date),
    maybe("error", error),
    maybe("replay", name(64)),
    fc.boolean(),
  )
  .map(([base, version, next, due, closed, failure, replay, refused]): LedgerEntry => {
    const { component, eventKey, generation, payloadHash } = base;
    const key = deliveryKeyOf(component, eventKey, generation);
    const deliveryKey = refused ? `${key}#${payloadHash}` : key;
    return { deliveryKey, ...base, ...version, ...next, ...due, ...closed, ...failure, ...replay };
  });
