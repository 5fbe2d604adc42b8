import { type CompiledPattern, compileEventPattern } from "../events/event-pattern.ts";
import { RetryPolicy } from "../retry.ts";
import { readJson } from "../text/schema.ts";
import { type Component, removedComponent } from "./component.ts";
import type { UnreadableRow } from "./unreadable-row.ts";

/** A component whose row can't be read. What may be its events is kept until it can. */
export type HeldComponent = {
  name: string;
  problem: string;
  /** Stands in for it. */
  component: Component;
  /** Which events are its own, if at least its pattern can be read; without it any may be. */
  matches?: CompiledPattern;
};

/** However long it takes: waits grow to 5 minutes, and don't end before the events do. */
const PATIENT = RetryPolicy.parse({ maxAttempts: 100, maxDelayMs: 300_000, maxAgeMs: 1_209_600_000 });

export function heldComponent({ name, row }: { name: string; row: UnreadableRow }): HeldComponent {
  const matches = patternIn(row);
  const held = { name, problem: row.problem, component: patiently(removedComponent(name)) };
  return matches === undefined ? held : { ...held, matches };
}

/** The component with the patience that is needed for somebody to repair a row. */
export function patiently(component: Component): Component {
  return { ...component, retry: PATIENT };
}

function patternIn({ text }: UnreadableRow): CompiledPattern | undefined {
  const json = readJson(text);
  const row: { pattern?: unknown } = Object(json.ok && json.value);
  const compiled = compileEventPattern(row.pattern);
  return compiled.ok ? compiled.matches : undefined;
}
