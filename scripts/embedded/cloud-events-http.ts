import { entryOfCloudEvent } from "../../shared/domain/events/cloud-event.ts";
import { MAX_EVENT_BYTES } from "../../shared/domain/events/event.ts";
import { checkEntry, entryBytes } from "../../shared/domain/events/event-entry.ts";
import { acceptEvents, type Intake } from "./accept-events.ts";
import { type Answer, json } from "./answer.ts";
import { readCloudEvent } from "./read-cloud-event.ts";

/** Largest request body: an event of `MAX_EVENT_BYTES` with 64 KiB for the attributes around its data. */
export const MAX_CLOUD_EVENT_BODY_BYTES = MAX_EVENT_BYTES + 65_536;

/**
 * Takes in one CloudEvent in structured mode. 202 with its id once it is stored; 400 names the attribute that is
 * wrong; 413: more than 1,048,576 bytes, counted as an entry of PutEvents; 500: it could not be stored.
 */
export async function acceptCloudEvent(text: string, intake: Intake): Promise<Answer> {
  const now = intake.now();
  const event = readCloudEvent(text, now);
  const mapped = event.ok ? entryOfCloudEvent(event.value) : event;
  if (!mapped.ok) return json(400, { error: mapped.problem });
  const { id, entry } = mapped.value;
  if (entryBytes(entry) > MAX_EVENT_BYTES) {
    return json(413, { error: `The event has ${entryBytes(entry)} bytes; it may have ${MAX_EVENT_BYTES}.` });
  }
  const checked = checkEntry(entry);
  if (!checked.ok) return json(400, { error: checked.errorMessage });
  try {
    await acceptEvents(intake, [{ id, entry: checked.value }], now);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return json(500, { error: `The event could not be stored: ${message}. Send it again.` });
  }
  return json(202, { eventId: id });
}
