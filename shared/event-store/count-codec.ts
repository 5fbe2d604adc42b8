import { type CountedOutcome, countedOutcomes } from "../domain/deliveries/outcome-count.ts";
import { addedUp, type CountKey, type Counts, type DeliveryCount } from "../domain/health/delivery-count.ts";
import type { CountedSpan } from "../domain/health/delivery-tally.ts";
import type { Failure } from "../domain/health/failure.ts";
import type { ReadCounts } from "./delivery-counts.ts";

/** A stored count, in this order. What isn't there is none. */
type StoredCount = [
  component: string,
  version: string,
  alias: string,
  type: string,
  outcomes: Record<string, number>,
  firsts?: number,
  failed?: number,
  retries?: number,
  replayed?: number,
  /** A bucket's place and its count, one after the other. */
  durations?: number[],
  errors?: [fingerprint: string, count: number][],
];

/** What a process has counted of a span, as JSON: the dropped deliveries, then the counts. */
type StoredSpan = [dropped: number, ...counts: StoredCount[]];

export function encodeSpan({ counts, dropped }: Pick<CountedSpan, "counts" | "dropped">): string {
  return JSON.stringify([dropped, ...counts.map(encodeCount)] satisfies StoredSpan);
}

function encodeCount({ component, version, alias, type, ...counts }: DeliveryCount): StoredCount {
  const { outcomes, firsts, failed, retries, replayed, durations, errors } = counts;
  const told = Object.fromEntries(outcomes);
  if (firsts + retries + replayed === 0) return [component, version, alias, type, told];
  const ran = [firsts, failed, retries, replayed] as const;
  return [component, version, alias, type, told, ...ran, [...durations].flat(), [...errors]];
}

/** @throws what is wrong with the text */
export function decodeSpan(at: Date, text: string): ReadCounts {
  const [dropped, ...stored] = JSON.parse(text) as StoredSpan;
  const counts = stored.map((count) => decodeCount(at, count));
  if (!isNumber(dropped) || !counts.every(isWhole)) throw new TypeError("the counts of a span are not whole");
  return { counts, dropped };
}

/** Whether what was read of a count is one: a damaged text may still be JSON. */
function isWhole({ component, version, alias, type, ...counts }: DeliveryCount): boolean {
  const { firsts, failed, retries, replayed, outcomes, durations, errors } = counts;
  const counted = [outcomes, durations, errors].flatMap((all) => [...all.values()]);
  return (
    [component, version, alias, type, ...errors.keys()].every((text) => typeof text === "string") &&
    [firsts, failed, retries, replayed, ...durations.keys(), ...counted].every(isNumber)
  );
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}

function decodeCount(at: Date, stored: StoredCount): DeliveryCount {
  const [component, version, alias, type, outcomes] = stored;
  const [, , , , , firsts = 0, failed = 0, retries = 0, replayed = 0, durations = [], errors = []] = stored;
  const places = durations.flatMap((place, n): [number, number][] =>
    n % 2 === 0 ? [[place, durations[n + 1] ?? 0]] : [],
  );
  return {
    at,
    ...{ component, version, alias, type },
    ...{ firsts, failed, retries, replayed },
    outcomes: new Map(Object.entries(outcomes).filter(isCounted)),
    durations: new Map(places),
    errors: new Map(errors),
  };
}

function isCounted(entry: [string, number]): entry is [CountedOutcome, number] {
  return countedOutcomes.some((outcome) => outcome === entry[0]);
}

/** What all processes have counted, one count per time and key. */
export function together(all: readonly ReadCounts[]): ReadCounts {
  const groups = Map.groupBy(
    all.flatMap(({ counts }) => counts),
    ({ at, ...key }) => `${at.getTime()}\n${keyOf(key)}`,
  );
  const counts = [...groups.values()].flatMap(([first, ...others]): DeliveryCount[] => {
    if (first === undefined) return [];
    if (others.length === 0) return [first];
    const { at, component, version, alias, type } = first;
    return [{ at, component, version, alias, type, ...addedUp([first, ...others]) }];
  });
  const dropped = all.reduce((sum, one) => sum + one.dropped, 0);
  return { counts: counts.toSorted((a, b) => a.at.getTime() - b.at.getTime() || compare(keyOf(a), keyOf(b))), dropped };
}

function keyOf({ component, version, alias, type }: CountKey & Partial<Counts>): string {
  return `${component}\n${version}\n${alias}\n${type}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What is stored of a failure beside its component, time and delivery. */
export function encodeFailure({ at: _at, component: _component, deliveryKey: _key, ...rest }: Failure): string {
  return JSON.stringify(rest);
}

/** @throws what is wrong with the text */
export function decodeFailure(of: Pick<Failure, "at" | "component" | "deliveryKey">, text: string): Failure {
  const { subject, ...texts } = JSON.parse(text) as Omit<Failure, "at" | "component" | "deliveryKey">;
  const { eventId, version, alias, because, type, errorType, message, requestId } = texts;
  const all = [eventId, version, alias, because, type, errorType, message, requestId, ...Object.values(subject)];
  if (!all.every((one) => typeof one === "string")) throw new TypeError("what is stored of a failure is not whole");
  return { ...of, ...texts, subject };
}
