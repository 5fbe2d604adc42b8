import fc from "fast-check";
import type { Row, RowKey } from "../../shared/domain/routing/routing-change.ts";
import { readKeyedRow } from "../../shared/domain/routing/stored-row.ts";
import { anyText, edgyNumbers } from "./any-text.ts";
import { aComponent, aPin } from "./builders.ts";

/** Also what JSON can't hold: whoever reads `1e400` gets an infinity. */
const anyNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(...edgyNumbers, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN),
);

const anyLeaf = fc.oneof(anyText, anyNumber, fc.constantFrom(true, false, null));

/** An object that may have an own key of any name, `__proto__` too, as `JSON.parse` makes them. */
function anyObject<T>(value: fc.Arbitrary<T>, key: fc.Arbitrary<string> = anyText): fc.Arbitrary<Record<string, T>> {
  return fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 3 }).map((entries) => {
    const object: Record<string, T> = {};
    for (const [name, inner] of entries) {
      Object.defineProperty(object, name, { value: inner, enumerable: true, configurable: true, writable: true });
    }
    return object;
  });
}

const operand = fc.oneof(anyLeaf, fc.array(anyLeaf, { maxLength: 3 }), anyObject(anyLeaf));

const anyOperator = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom("anything-but", "prefix", "numeric", "exists", "cidr", "wildcard") },
      anyText,
    ),
    fc.oneof(operand, fc.tuple(fc.constantFrom("=", "<", ">="), anyNumber)),
  )
  .map(([name, value]) => ({ [name]: value }));

const anyAlternatives = fc.array(fc.oneof(anyLeaf, anyOperator), { minLength: 1, maxLength: 3 });

/** Something like a pattern: some compile. */
const anyPattern: fc.Arbitrary<unknown> = fc.oneof(
  anyObject(anyAlternatives),
  anyObject(anyObject(anyAlternatives)),
  fc.tuple(anyObject(anyAlternatives), anyObject(anyAlternatives)).map((both) => ({ $or: both })),
  operand,
);

const name = fc.oneof({ weight: 6, arbitrary: fc.constantFrom("mailer", "billing") }, anyText);
const alias = fc.oneof({ weight: 6, arbitrary: fc.constantFrom("stable", "beta") }, anyText);
const few = <T>(value: fc.Arbitrary<T>) => fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, value);

const anyComponentRow = fc
  .record({
    pattern: anyPattern,
    aliases: few(anyObject(fc.constant({ target: { kind: "worker" } }), alias)),
    environment: few(anyObject(anyText)),
    nonRetryableErrors: few(fc.array(anyText, { maxLength: 2 })),
    allStable: few(fc.record({ who: anyText, why: anyText, at: fc.constant("2026-11-20T10:00:00.000Z") })),
    salt: few(anyText),
    basisPoints: few(anyNumber),
    timeoutMs: few(anyNumber),
  })
  .map(({ pattern, aliases, environment, nonRetryableErrors, allStable, salt, basisPoints, timeoutMs }) => ({
    ...aComponent({ pattern: pattern as Record<string, unknown> }),
    ...(aliases && { aliases }),
    ...(environment && { worker: { concurrency: 4, memoryMb: 128, environment } }),
    ...(nonRetryableErrors && { retry: { ...aComponent().retry, nonRetryableErrors } }),
    ...(allStable && { allStable }),
    ...(salt && { rollout: { alias: "beta", basisPoints: basisPoints ?? 500, by: "user", salt } }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  }));

const anySubject = fc
  .record({
    pins: anyObject(fc.oneof(fc.constant(aPin()), fc.record({ who: anyText, why: anyText }).map(aPin)), name),
    cohorts: fc.array(name, { maxLength: 2 }),
    customer: few(anyText),
  })
  .map(({ customer, ...row }) => ({ ...row, ...(customer && { customer }) }));

const anySource = fc
  .record({
    retentionDaysByType: few(anyObject(anyNumber)),
    project: few(anyText.map((text) => `detail.${text}`)),
  })
  .map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)));

const anyGuardrails = fc
  .record({
    protectedSubjects: fc.array(
      anyText.map((text) => `customer#${text}`),
      { maxLength: 2 },
    ),
    expiryRequiredFor: fc.array(alias, { maxLength: 2 }),
    maxCustomersOff: few(anyNumber),
  })
  .map(({ maxCustomersOff, ...row }) => ({ ...row, ...(maxCustomersOff !== undefined && { maxCustomersOff }) }));

const anyCohorts = anyObject(
  fc.record({ description: anyText, who: anyText, at: fc.constant("2026-11-20T10:00:00.000Z") }),
  name,
);

/** Rows of every kind with their keys, as somebody might hand them in; many are not to be accepted. */
export function anyGivenRow(own: string): fc.Arbitrary<{ key: string; row: unknown }> {
  const mine = `t${own.slice(0, 8)}`;
  return fc.oneof(
    anyComponentRow.map((row) => ({ key: `component#${mine}`, row: { ...row, name: mine } })),
    anySubject.map((row) => ({ key: `project#${own}`, row })),
    fc.tuple(anyText, anySubject).map(([id, row]) => ({ key: `customer#${own}${id}`, row })),
    fc.tuple(anyText, anySource).map(([id, row]) => ({ key: `source#${own}${id}`, row: { ...row, source: own + id } })),
    anyGuardrails.map((row) => ({ key: "settings#guardrails", row })),
    anyCohorts.map((row) => ({ key: "settings#cohorts", row })),
  );
}

/** Those that are accepted, as they are read. */
export function anyAcceptedRow(own: string): fc.Arbitrary<[RowKey, Row]> {
  return anyGivenRow(own)
    .map(({ key, row }) => ({ key, read: readKeyedRow(key, row) }))
    .filter(({ read }) => read.ok)
    .map(({ read }): [RowKey, Row] => {
      if (!read.ok) throw new Error("filtered");
      // JSON has one zero.
      const { key, row } = read.value;
      return [key, JSON.parse(JSON.stringify(row), (_, value) => (value === 0 ? 0 : value))];
    });
}
