import type { ReplayCounts } from "./replay.ts";

/**
 * US dollars per million, on demand, us-east-1: DynamoDB's read and write units since November 2024, and Lambda's requests
 * (aws.amazon.com/dynamodb/pricing/on-demand, aws.amazon.com/lambda/pricing).
 */
const DOLLARS_PER_MILLION = { readUnits: 0.125, writeUnits: 0.625, invocations: 0.2 };

/** Of a record of up to 1 KB, read once by each of the two passes in queries of 4 KB per unit. */
const READ_UNITS_PER_RECORD = 0.5;

/** A delivery's entry as it arrived and in the replay's own generation, in each of the two passes. */
const READ_UNITS_PER_MATCH = 4;

/** A claim and a close. */
const WRITE_UNITS_PER_DELIVERY = 2;

/** What a replay costs on AWS, in US dollars: its own requests, without the components' running time. */
export function replayDollars({ scanned, matched, sent }: ReplayCounts): number {
  const { readUnits, writeUnits, invocations } = DOLLARS_PER_MILLION;
  const reads = scanned * READ_UNITS_PER_RECORD + matched * READ_UNITS_PER_MATCH;
  return (reads * readUnits + sent * (WRITE_UNITS_PER_DELIVERY * writeUnits + invocations)) / 1_000_000;
}
