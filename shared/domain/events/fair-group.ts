import type { Subject } from "../subject.ts";
import { type BusEvent, type EventSource, readFacts } from "./event.ts";

/**
 * Whose event this is, for a queue that groups share fairly: its project, else its customer, else its source. A guess is
 * good enough: it decides about nothing but whose turn it is.
 */
export function fairGroupOf(event: BusEvent, row: EventSource | undefined, metadata?: unknown): string {
  const facts = readFacts(event, row, metadata);
  return fairGroupOfSubject(facts.ok ? facts.value.subject : {}, event.source);
}

/** The same of an event whose facts are known. */
export function fairGroupOfSubject({ project, customer }: Subject, source: string): string {
  if (project !== undefined) return `project#${project}`;
  return customer === undefined ? `source#${source}` : `customer#${customer}`;
}
