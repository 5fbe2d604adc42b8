import { entryOfCloudEvent } from "../../shared/domain/events/cloud-event.ts";
import { MAX_EVENT_BYTES } from "../../shared/domain/events/event.ts";
import { checkEntry, entryBytes } from "../../shared/domain/events/event-entry.ts";
import { acceptEvents, type Intake } from "./accept-events.ts";
import { type Answer, errorSaid, json } from "./answer.ts";
import { type AcceptedEntry, arrivalOf } from "./arrival.ts";
import { type DistinctHeaders, fieldsOfBinary } from "./binary-cloud-event.ts";
import { cloudEventOf, readCloudEvent, readCloudEventBatch } from "./read-cloud-event.ts";

/** Largest request body: an event of `MAX_EVENT_BYTES` with 64 KiB for the attributes around its data. */
export const MAX_CLOUD_EVENT_BODY_BYTES = MAX_EVENT_BYTES + 65_536;
/** Largest body of a batch, and most events in it. */
export const MAX_BATCH_BODY_BYTES = 4 * MAX_EVENT_BYTES;
const MAX_BATCH_EVENTS = 1_000;

/**
 * Takes in one CloudEvent in structured mode. 202 with its id once it is stored; 400 names the attribute that is
 * wrong; 413: more than 1,048,576 bytes, counted as an entry of PutEvents; 500: it could not be stored.
 * @param traceparent the request's own, for an event without one
 */
export async function acceptCloudEvent(text: string, intake: Intake, traceparent?: string): Promise<Answer> {
  const now = intake.now();
  return acceptOne(entryOf(readCloudEvent(text, now, traceparent)), intake, now);
}

/** Takes in one CloudEvent in binary mode. Answers as `acceptCloudEvent`. */
export async function acceptBinaryCloudEvent(headers: DistinctHeaders, body: Buffer, intake: Intake): Promise<Answer> {
  const now = intake.now();
  const fields = fieldsOfBinary(headers, body);
  const [traceparent] = headers.traceparent ?? [];
  return acceptOne(entryOf(fields.ok ? cloudEventOf(fields.value, now, traceparent) : fields), intake, now);
}

/**
 * Takes in a batch of CloudEvents, all or none, as a client of CloudEvents looks at the status alone: with some of a
 * batch refused under a 2xx, those would be lost. 202 with all ids, in order, once all are stored; 400 says for each
 * refused event at which place it stands, its id and what is wrong; 413: more than 1,000 events; 500: not stored.
 */
export async function acceptCloudEventBatch(text: string, intake: Intake, traceparent?: string): Promise<Answer> {
  const now = intake.now();
  const batch = readCloudEventBatch(text);
  if (!batch.ok) return json(400, { error: batch.problem });
  const count = batch.value.length;
  if (count > MAX_BATCH_EVENTS) {
    return json(413, { error: `The batch has ${count} events; it may have ${MAX_BATCH_EVENTS}. Send it in parts.` });
  }
  const read = batch.value.map((fields) => entryOf(cloudEventOf(fields, now, traceparent)));
  const refused = read.flatMap((entry, index) => {
    if (entry.ok) return [];
    const { id } = (batch.value[index] ?? {}) as { id?: unknown };
    return [{ index, ...(typeof id === "string" && { id }), error: entry.problem }];
  });
  if (refused.length > 0) {
    const error = `None of the ${count} events was stored, as ${refused.length} can't be taken. Correct or omit those.`;
    return json(400, { error, refused });
  }
  const accepted = read.flatMap((entry) => (entry.ok ? [entry.value] : []));
  const stored = await store(accepted, intake, now);
  return stored ?? json(202, { eventIds: accepted.map(({ id }) => id) });
}

type EntryRead = { ok: true; value: AcceptedEntry } | { ok: false; status: number; problem: string };

async function acceptOne(read: EntryRead, intake: Intake, now: Date): Promise<Answer> {
  if (!read.ok) return json(read.status, { error: read.problem });
  return (await store([read.value], intake, now)) ?? json(202, { eventId: read.value.id });
}

function entryOf(event: ReturnType<typeof cloudEventOf>): EntryRead {
  const mapped = event.ok ? entryOfCloudEvent(event.value) : event;
  if (!mapped.ok) return { ...mapped, status: 400 };
  const { id, entry } = mapped.value;
  const bytes = entryBytes(entry);
  if (bytes > MAX_EVENT_BYTES) {
    return { ok: false, status: 413, problem: `The event has ${bytes} bytes; it may have ${MAX_EVENT_BYTES}.` };
  }
  const checked = checkEntry(entry);
  if (!checked.ok) return { ok: false, status: 400, problem: checked.errorMessage };
  return { ok: true, value: { id, entry: checked.value } };
}

/** What to answer where they could not be stored; undefined once they are. */
async function store(accepted: readonly AcceptedEntry[], intake: Intake, now: Date): Promise<Answer | undefined> {
  try {
    const arrivals = accepted.map((one) => arrivalOf(one, now));
    await acceptEvents(intake, arrivals, now);
    return undefined;
  } catch (error) {
    const what = accepted.length === 1 ? "The event" : "The events";
    return json(500, {
      error: `${what} could not be stored: ${errorSaid(error)} Send ${accepted.length === 1 ? "it" : "them"} again.`,
    });
  }
}
