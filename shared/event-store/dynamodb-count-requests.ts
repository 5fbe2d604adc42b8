import type { QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import { countedOutcomes } from "../domain/deliveries/outcome-count.ts";
import { type CountSpan, type DeliveryCount, noCounts } from "../domain/health/delivery-count.ts";
import type { CountedSpan } from "../domain/health/delivery-tally.ts";
import type { Failure } from "../domain/health/failure.ts";
import type { TimeWindow } from "../domain/text/time-window.ts";
import type { Item } from "../dynamodb/dynamodb-batches.ts";
import { itemLayout, refuseNewerItem } from "../dynamodb/item-layout.ts";
import { compressed, decompressed } from "./compressed-text.ts";
import { decodeFailure, decodeSpan, encodeFailure, encodeSpan } from "./count-codec.ts";
import type { ReadCounts } from "./delivery-counts.ts";
import { momentText } from "./record-codec.ts";

/*
 * Counts and failures of deliveries in the event table:
 *
 * | pk                        | sk                | attributes                                                     |
 * |---------------------------|-------------------|----------------------------------------------------------------|
 * | `c#` and a minute or hour | who counts        | `c`: what it has counted of it, JSON, or zstd of it from 512 B |
 * | `f#COMPONENT#HOUR`        | `at#delivery key` | `e`: the rest of a failure, JSON                               |
 */

/** Counts and failures are kept as long as most events are. */
const KEPT_MS = 30 * 86_400_000;

const MIN_COMPRESSED_BYTES = 512;

/** `2026-11-20T10:07` and `2026-11-20T10`. */
const SPAN_CHARS: Record<CountSpan, number> = { minute: 16, hour: 13 };

function spanText(from: Date, span: CountSpan): string {
  return from.toISOString().slice(0, SPAN_CHARS[span]);
}

/** 1 WRU per KB: 1 for what is counted of some ten keys. */
export function countItem(counted: CountedSpan, instance: string): Item {
  const text = encodeSpan(counted);
  const isShort = Buffer.byteLength(text) < MIN_COMPRESSED_BYTES;
  return {
    pk: `c#${spanText(counted.from, counted.span)}`,
    sk: instance,
    ...itemLayout,
    c: isShort ? text : compressed(Buffer.from(text)),
    expires: expiry(counted.from),
  };
}

export function countsRequest(tableName: string, from: Date, span: CountSpan): QueryCommandInput {
  return {
    TableName: tableName,
    ConsistentRead: true,
    KeyConditionExpression: "pk = :span",
    ExpressionAttributeValues: { ":span": `c#${spanText(from, span)}` },
  };
}

/** What an item of that span says; nothing for one that is damaged. */
export function readCountItem(from: Date, item: Item): ReadCounts {
  refuseNewerItem(item);
  const { c } = item;
  if (c === undefined) return { counts: olderCounts(from, item), dropped: 0 };
  try {
    if (typeof c === "string") return decodeSpan(from, c);
    const text = decompressed(c as Uint8Array);
    return text.ok ? decodeSpan(from, text.value.toString()) : { counts: [], dropped: 0 };
  } catch {
    return { counts: [], dropped: 0 };
  }
}

/** Before layout 3 a minute had a few items with an attribute `component#outcome#version` for each count. */
function olderCounts(at: Date, item: Item): DeliveryCount[] {
  return Object.entries(item).flatMap(([name, count]) => {
    const [component = "", said] = name.split("#", 2);
    const outcome = countedOutcomes.find((known) => known === said);
    if (outcome === undefined || typeof count !== "number") return [];
    const version = name.slice(component.length + outcome.length + 2);
    const outcomes = new Map([[outcome, count]]);
    return [{ at, component, version, alias: "", type: "", ...noCounts(), outcomes }];
  });
}

/** 1 WRU per KB: 1 for most. */
export function failureItem(failure: Failure): Item {
  const { component, at, deliveryKey } = failure;
  return {
    pk: failurePartition(component, at),
    sk: `${momentText(at)}#${deliveryKey}`,
    ...itemLayout,
    e: encodeFailure(failure),
    expires: expiry(at),
  };
}

function failurePartition(component: string, at: Date): string {
  return `f#${component}#${spanText(at, "hour")}`;
}

/** The failures of a component in one hour that lie in the window, the newest first. Pages of at most `limit`. */
export function failuresRequest(
  tableName: string,
  component: string,
  hour: Date,
  window: TimeWindow,
  limit: number,
): QueryCommandInput {
  return {
    TableName: tableName,
    ConsistentRead: true,
    KeyConditionExpression: "pk = :hour AND sk BETWEEN :from AND :to",
    // A failure's key is longer than its moment: none is equal to an end.
    ExpressionAttributeValues: {
      ":hour": failurePartition(component, hour),
      ":from": momentText(window.from),
      ":to": momentText(window.to),
    },
    ScanIndexForward: false,
    Limit: limit,
  };
}

export function readFailureItem(component: string, item: Item): Failure[] {
  refuseNewerItem(item);
  const [moment = ""] = item.sk.split("#", 1);
  const of = { component, at: new Date(Number(moment)), deliveryKey: item.sk.slice(moment.length + 1) };
  try {
    return [decodeFailure(of, String(item.e))];
  } catch {
    return [];
  }
}

function expiry(from: Date): number {
  return Math.ceil((from.getTime() + KEPT_MS) / 1_000);
}
