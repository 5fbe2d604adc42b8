import type { Because } from "./decide-route.ts";
import type { Generation } from "./delivery-key.ts";
import type { Subject } from "./subject.ts";

/** The one field that a target receives on top of the event as it was published. */
export type TurnoutField = {
  component: string;
  alias: string;
  because: Because;
  /** True when the rule named an alias that is unknown or retired. */
  fallback: boolean;
  idempotencyKey: string;
  /** `live`, or the replay's id: an idempotent consumer keys its effects on the pair of key and generation. */
  generation: Generation;
  attempt: number;
  routingRevision: number;
  subject: Subject;
  replay: string | null;
  flow?: string;
  traceparent?: string;
};

/**
 * The JSON text that a target receives. The event's own text is kept byte for byte, so that numbers beyond what
 * JavaScript holds, key order and spacing arrive as they were published.
 */
export function deliveredEvent(body: string, turnout: TurnoutField): string {
  // A name may be written with escapes, too; only then, or when it is there, is the text worth parsing.
  const published = body.includes('"turnout"') || body.includes("\\u") ? withoutTurnout(body) : body;
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
