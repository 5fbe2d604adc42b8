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
 * A delivery's entry as it arrived and the one of the replay's own, in each of two passes. They are read before the filter
 * is asked, so of all records, and where several components have an event of each of them.
 */
const READ_UNITS_PER_ENTRY = 4;

/**
 * A claim, a close and the count of the outcome; before them the head of the routing table once, and the replay's own status
 * twice. As fast as it goes 25 deliveries share all but the claim and the close; at the default rate each is by itself.
 */
const WRITE_UNITS_PER_DELIVERY = 3;
const READ_UNITS_PER_DELIVERY = 3;

/** What a replay costs on AWS, in US dollars: its own requests, without the components' running time. */
export function replayDollars({ scanned, matched, sent }: ReplayCounts): number {
  const { readUnits, writeUnits, invocations } = DOLLARS_PER_MILLION;
  const entries = Math.max(scanned, matched);
  const reads = scanned * READ_UNITS_PER_RECORD + entries * READ_UNITS_PER_ENTRY + sent * READ_UNITS_PER_DELIVERY;
  return (reads * readUnits + sent * (WRITE_UNITS_PER_DELIVERY * writeUnits + invocations)) / 1_000_000;
}
