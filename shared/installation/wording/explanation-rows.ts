import type { Component } from "../../domain/routing/component.ts";
import type { Decision } from "../../domain/routing/decide-route.ts";
import type { StoredRow } from "../../domain/routing/routing-change.ts";
import type { SubjectRow } from "../../domain/routing/subject-rows.ts";
import { UnreadableRow } from "../../domain/routing/unreadable-row.ts";
import { keyInWords } from "../../domain/text/split-key.ts";
import type { Explanation } from "../../flows/explain/explain-route.ts";

/** An explanation as JSON. The names are a promise; what isn't known is null. */
export function explanationJson({ component, subject, decision, revision, rows }: Explanation) {
  const { project, customer, plan, user } = subject;
  return {
    component: component.name,
    project_id: project ?? null,
    customer_id: customer ?? null,
    customer_plan: plan ?? null,
    user_id: user ?? null,
    alias: decision.alias,
    because: decision.because,
    rule: decision.rule,
    fallback: decision.fallback,
    named_alias: decision.named ?? null,
    passed_over: decision.passedOver,
    routing_revision: revision,
    rows,
  };
}

/** The rule that won, those passed over and the rows that were looked at, one line each. */
export function explanationLines({ component, decision, rows, revision }: Explanation): string[] {
  return [
    ...labelled("because", [`${decision.because}: ${decision.rule}`]),
    ...labelled("fallback", fallbackText(decision)),
    ...labelled(
      "passed over",
      decision.passedOver.map(({ rule, why }) => `${rule}: ${why}`),
    ),
    ...labelled(
      "rows",
      rows.map(({ key, row }) => `${keyInWords(key)}: ${rowText(row, component)}`),
    ),
    ...labelled("revision", [String(revision)]),
  ];
}

/** `  label        first`, with the others below the first. */
export function labelled(label: string, texts: readonly string[]): string[] {
  return texts.map((text, index) => `  ${(index === 0 ? label : "").padEnd(11)}  ${text}`);
}

function fallbackText({ fallback, named, alias, because, passedOver }: Decision): string[] {
  if (!fallback) return [];
  // Only of a laptop that isn't there the rule that has won is passed over as well.
  const last = passedOver.at(-1);
  const why = last?.rule === because ? `can't be had (${last.why})` : "is unknown or retired";
  return [`${named} ${why}, so ${alias} takes its place`];
}

/** What the row has to say about the component's routing. */
function rowText(row: StoredRow | null, component: Component): string {
  if (row === null) return "no row";
  if (row instanceof UnreadableRow) return `can't be read, and events wait until it can: ${row.problem}`;
  if (row === component) {
    const { cohortRoutes, rollout, allStable, defaultAlias } = component;
    const said = [
      allStable && "all stable",
      ...cohortRoutes.map(({ cohort, alias }) => `cohort ${cohort} to ${alias}`),
      rollout && `${rollout.basisPoints / 100} % of ${rollout.by}s to ${rollout.alias}`,
      `default ${defaultAlias}`,
    ];
    return said.filter(Boolean).join(", ");
  }
  if ("source" in row) {
    const { source: _, ...paths } = row;
    const said = Object.entries(paths).map(([what, path]) => `${what} at ${path}`);
    return said.join(", ") || "nothing said";
  }
  const { customer, plan, cohorts, pins } = row as SubjectRow;
  const pinned = Object.entries(pins).map(([name, { alias }]) => `${name} pinned to ${alias}`);
  const said = [customer && `customer ${customer}`, plan && `plan ${plan}`, ...cohorts.map((name) => `in ${name}`)];
  return [...said, ...pinned].filter(Boolean).join(", ");
}
