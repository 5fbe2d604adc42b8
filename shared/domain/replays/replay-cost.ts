import type { ReplayCounts } from "./replay.ts";

/**
 * US dollars per million, on demand, us-east-1: DynamoDB's read and write units since November 2024, and Lambda's requests
 * (aws.amazon.com/dynamodb/pricing/on-demand, aws.amazon.com/lambda/pricing).
 */
const DOLLARS_PER_MILLION = { readUnits: 0.125, writeUnits: 0.625, invocations: 0.2 };

// What DynamoDB charges a rerun, of events of 1 KB that one component has, as `npm run bench -- replay-scan` measures it.

/** Two passes over the records: compressed, one takes about 0.5 KB. */
const READ_UNITS_PER_RECORD = 0.27;

/**
 * A delivery's entry as it arrived and the one of the replay's own, in each of two passes. They are read before it is asked
 * what became of an event, so of all whose subject and pattern match, and where several components have one, of each.
 */
const READ_UNITS_PER_ENTRY = 4;

/**
 * A claim and a close; and, shared by the ten deliveries that begin together at the default rate, the count of the outcomes,
 * the head of the routing table once and the replay's own status twice. Counted by calls.
 */
const WRITE_UNITS_PER_DELIVERY = 2.1;
const READ_UNITS_PER_DELIVERY = 0.4;

/** What a replay costs on AWS, in US dollars: its own requests, without the components' running time. */
export function replayDollars({ scanned, matched, sent }: ReplayCounts): number {
  const { readUnits, writeUnits, invocations } = DOLLARS_PER_MILLION;
  const entries = Math.max(scanned, matched);
  const reads = scanned * READ_UNITS_PER_RECORD + entries * READ_UNITS_PER_ENTRY + sent * READ_UNITS_PER_DELIVERY;
  return (reads * readUnits + sent * (WRITE_UNITS_PER_DELIVERY * writeUnits + invocations)) / 1_000_000;
}
