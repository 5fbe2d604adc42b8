import { TurnoutError } from "../errors.ts";
import type { SubjectKey } from "../subject.ts";
import { own } from "../text/schema.ts";
import { keyInWords } from "../text/split-key.ts";
import type { Alias } from "./alias.ts";
import { aliasOf, type Component } from "./component.ts";
import { outsidePeriod } from "./period.ts";
import type { Pin } from "./pin.ts";
import type { SubjectRow } from "./subject-rows.ts";

/**
 * Sends the events of these subjects and cohorts to somebody's laptop until then, all in one change: its revert takes
 * everything back. A pin goes on to the alias that it takes the place of, while the laptop isn't there.
 */
export type ListenEdit = {
  kind: "listen";
  component: string;
  alias: Alias;
  subjects: readonly SubjectKey[];
  cohorts: readonly string[];
  until: string;
  who: string;
  why: string;
  at: string;
  /** Aliases of other laptops that are there now: nobody takes their events away. */
  heldByOthers: readonly Alias[];
};

/** The component with the alias, and with the cohorts' routes ahead of all others. @throws TurnoutError `not allowed`, `conflict` */
export function componentListening(component: Component, edit: ListenEdit, now: Date): Component {
  const { alias, cohorts, until } = edit;
  const entry = aliasOf(component, alias);
  if (entry !== undefined && entry.target.kind !== "laptop") {
    throw new TurnoutError(
      "not allowed",
      `Alias '${alias}' of ${component.name} is no laptop. Remove or rename it first.`,
    );
  }
  for (const route of component.cohortRoutes) {
    if (!cohorts.includes(route.cohort) || outsidePeriod(route, now) !== undefined) continue;
    refuseIfHeld(edit, route.alias, `cohort ${route.cohort}`);
  }
  const others = component.cohortRoutes.filter(({ cohort }) => !cohorts.includes(cohort));
  const cohortRoutes = [...cohorts.map((cohort) => ({ cohort, alias, until })), ...others];
  return { ...component, aliases: { ...component.aliases, [alias]: { target: { kind: "laptop" } } }, cohortRoutes };
}

/** The subject's row with a pin to the laptop. @throws TurnoutError `conflict` */
export function rowListening(
  row: SubjectRow,
  key: SubjectKey,
  component: Component,
  edit: ListenEdit,
  now: Date,
): SubjectRow {
  const { alias, until, who, why, at } = edit;
  const before = own(row.pins, component.name);
  const counts = before !== undefined && outsidePeriod(before, now) === undefined;
  if (counts) refuseIfHeld(edit, before.alias, keyInWords(key), before.who);
  const successor = counts ? successorOf(component, before) : undefined;
  const pin: Pin = { alias, ...(successor !== undefined && { successor }), until, who, why, at };
  return { ...row, pins: { ...row.pins, [component.name]: pin } };
}

/** Where the subject would go without the laptop, as far as its own pin says. */
function successorOf(component: Component, { alias, successor }: Pin): Alias | undefined {
  return [alias, successor].find((name) => {
    const entry = name === undefined ? undefined : aliasOf(component, name);
    return entry !== undefined && entry.retired !== true && entry.target.kind !== "laptop";
  });
}

function refuseIfHeld({ alias, heldByOthers, component }: ListenEdit, other: Alias, whose: string, who?: string): void {
  if (other === alias || !heldByOthers.includes(other)) return;
  const holder = who === undefined ? "" : `, by ${who}`;
  throw new TurnoutError(
    "conflict",
    `Events of ${whose} run on another laptop already: ${other} of ${component}${holder}. Nothing was changed.`,
    { remedies: ["ask whoever listens there to stop", "listen to somebody else"] },
  );
}
