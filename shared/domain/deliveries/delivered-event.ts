import type { Because } from "../routing/decide-route.ts";
import type { Subject } from "../subject.ts";
import type { Generation } from "./delivery-key.ts";

/** The one field that a target receives on top of the event as it was published. */
export type TurnoutField = {
  component: string;
  alias: string;
  because: Because;
  /** True when the rule named an alias that is unknown or retired. */
  fallback: boolean;
  /**
   * What a consumer makes its effects depend on: no other event has it, whatever keys their publishers use, and the same
   * event has another one in every replay that runs it again. The same for all components, and for every attempt.
   */
  idempotencyKey: string;
  /** The event's key in its publisher's own words. Events of another source or type may have the same. */
  publisherKey: string;
  /** `live`, or the name of the replay that runs it again. */
  generation: Generation;
  attempt: number;
  /** Of an asynchronous attempt: what its outcome has to hand back. Lambda's destinations do so by themselves. */
  outcomeToken?: string | undefined;
  routingRevision: number;
  subject: Subject;
  /** The replay that this delivery is made for, whether it runs the event again or finishes what was begun. */
  replay: string | null;
  flow?: string | undefined;
  traceparent?: string | undefined;
  /** The replay in whose course the event was published, as its publisher says. */
  causedByReplay?: string | undefined;
};

/**
 * The key that a consumer sees: its own in every generation, so that one that only knows of the key runs it again. All
 * event keys are equally long and have no `#`, so that no two pairs of event and generation can look alike.
 */
export function deliveredKey(eventKey: string, generation: Generation): string {
  return `${eventKey}#${generation}`;
}

/** The event's key, out of the one that a consumer saw; undefined for one that Turnout gave nobody. */
export function eventKeyOfDelivered(delivered: string): string | undefined {
  return /^([0-9a-f]{64})#./s.exec(delivered)?.[1];
}

/**
 * The JSON text that a target receives. The event's own text is kept byte for byte, so that numbers beyond what
 * JavaScript holds, key order and spacing arrive as they were published.
 */
export function deliveredEvent(body: string, turnout: TurnoutField): string {
  // A name may be written with escapes, too; only then, or when it is there, is the text worth parsing. Without its first
  // quote it is found in a fifth of the time, as texts are full of those.
  const published = body.includes('turnout"') || body.includes("\\u") ? withoutTurnout(body) : body;
  const end = published.lastIndexOf("}");
  return `${published.slice(0, end)},"turnout":${JSON.stringify(turnout)}}`;
}

/** A publisher may not speak in our name: two fields of one name would be read differently by different consumers. */
function withoutTurnout(body: string): string {
  const event: Record<string, unknown> = JSON.parse(body);
  if (!Object.hasOwn(event, "turnout")) return body;
  const { turnout: _, ...published } = event;
  return JSON.stringify(published);
}
