import { MAX_EVENT_BYTES } from "../domain/events/event.ts";

/** Most entries of one request (EventBridge API reference, PutEvents). */
export const MAX_BATCH_ENTRIES = 10;

/** Most bytes of a request's entries: together they have to stay below 1 MB (EventBridge API reference, PutEvents). */
export const MAX_BATCH_BYTES = MAX_EVENT_BYTES - 1;

/** The entries in their order, in as few requests as that order allows. `bytes` is what `entryBytes` counts. */
export function batchesOf<Sized extends { bytes: number }>(entries: readonly Sized[]): Sized[][] {
  const batches: Sized[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const last = batches.at(-1);
    if (last === undefined || last.length === MAX_BATCH_ENTRIES || bytes + entry.bytes > MAX_BATCH_BYTES) {
      batches.push([entry]);
      bytes = entry.bytes;
    } else {
      last.push(entry);
      bytes += entry.bytes;
    }
  }
  return batches;
}
