import type { Subject, SubjectLevel } from "../subject.ts";
import { own } from "../text/schema.ts";
import type { Alias } from "./alias.ts";
import { aliasOf, type Component } from "./component.ts";
import { type LaptopLease, lapseText } from "./laptop-lease.ts";
import { outsidePeriod, type Period } from "./period.ts";
import { bucketOf, type Rollout } from "./rollout.ts";
import { cohortRows, type SubjectRow, type SubjectRows } from "./subject-rows.ts";

/** The rules, in the order in which they win. */
export const becauses = [
  "all stable",
  "replay destination",
  "user pin",
  "project pin",
  "customer pin",
  "cohort route",
  "plan pin",
  "rollout",
  "default alias",
  "undecided",
] as const;
/** The rule that won. `undecided`: none could be asked, and nothing is sent. */
export type Because = (typeof becauses)[number];

/** A rule that was looked at and did not win. An alias that the event asked for is listed too: it never wins. */
export type PassedOver = { rule: Because | "alias in the event"; why: string };

export type Decision = {
  alias: Alias;
  because: Because;
  /** The rule in words, e.g. `customer acme pinned by ada: trying 23`. Empty when the trace is off. */
  rule: string;
  /**
   * Every rule looked at before the one that won, in order; last the one that won, if it leads to a laptop that isn't
   * there. With the trace off only such a laptop, and what an event may not do.
   */
  passedOver: PassedOver[];
  /**
   * The rule named an alias that is unknown or retired, or a laptop that isn't there: its successor, or the component's
   * fallback, was taken.
   */
  fallback: boolean;
  /** The alias that the rule named, when `fallback` is true. */
  named?: Alias;
};

export type DecisionInput = {
  component: Component;
  /** Resolved: with what the directory knows filled in. */
  subject: Subject;
  rowOf: SubjectRows;
  now: Date;
  /** The alias that a replay sends everything to. */
  replayDestination?: Alias | undefined;
  /** The alias that the event's metadata asked for. It is never obeyed. */
  ignoredAlias?: string | undefined;
  /** The lease of an alias that stands for a laptop, as it was last read. Left out: every laptop is taken to be there. */
  leaseOf?: LeaseOf | undefined;
  /** Whether to say why rules were passed over. Default true; off costs less. */
  trace?: boolean;
};

export type LeaseOf = (component: string, alias: Alias) => LaptopLease | undefined;

/**
 * Decides which alias of the component an event goes to. While the component is all stable, that is its fallback
 * alias. Else the first rule that applies wins: replay destination, user pin, project pin, customer pin, cohort routes in the
 * component's order, plan pin, rollout, the component's default alias.
 */
export function decideRoute(input: DecisionInput): Decision {
  const { component, subject, rowOf, now } = input;
  const passedOver: PassedOver[] = [];
  const pass = (input.trace ?? true) ? (rule: Because, why: string) => void passedOver.push({ rule, why }) : undefined;
  const take: Take = (because, alias, rule, successor) => {
    const told = pass === undefined ? "" : rule();
    const lapse = laptopLapse(input, alias);
    if (isUsable(component, alias) && lapse === undefined)
      return { alias, because, rule: told, passedOver, fallback: false };
    if (lapse !== undefined) passedOver.push({ rule: because, why: lapse });
    const isNext = successor !== undefined && isUsable(component, successor) && !laptopLapse(input, successor);
    const instead = isNext ? successor : component.fallbackAlias;
    return { alias: instead, because, rule: told, passedOver, fallback: true, named: alias };
  };

  if (input.ignoredAlias !== undefined) {
    passedOver.push({
      rule: "alias in the event",
      why: `an event can't choose its alias: '${input.ignoredAlias}' ignored`,
    });
  }
  const { allStable } = component;
  if (allStable !== undefined) {
    return take("all stable", component.fallbackAlias, () => `all stable by ${allStable.who}: ${allStable.why}`);
  }
  if (input.replayDestination !== undefined)
    return take("replay destination", input.replayDestination, () => "the replay's destination");
  pass?.("replay destination", "no replay destination");

  const pinAt = (level: SubjectLevel, because: Because): Decision | undefined => {
    const id = subject[level];
    if (id === undefined) return void pass?.(because, `the event has no ${level}`);
    const row = rowOf(level, id);
    const pin = row === undefined ? undefined : own(row.pins, component.name);
    if (pin === undefined) return void pass?.(because, "no pin");
    const outside = outsidePeriod(pin, now);
    if (outside !== undefined) return void pass?.(because, outside);
    return take(because, pin.alias, () => `${level} ${id} pinned by ${pin.who}: ${pin.why}`, pin.successor);
  };

  return (
    pinAt("user", "user pin") ??
    pinAt("project", "project pin") ??
    pinAt("customer", "customer pin") ??
    cohortRoute(input, pass, take) ??
    pinAt("plan", "plan pin") ??
    rolledOut(input, pass, take) ??
    take("default alias", component.defaultAlias, () => `default of ${component.name}`)
  );
}

type Pass = ((rule: Because, why: string) => void) | undefined;
type Take = (because: Because, alias: Alias, rule: () => string, successor?: Alias) => Decision;

function cohortRoute(input: DecisionInput, pass: Pass, take: Take): Decision | undefined {
  const { component, subject, rowOf, now } = input;
  if (component.cohortRoutes.length === 0) return void pass?.("cohort route", "the component has no cohort routes");
  const rows = cohortRows(subject, rowOf);
  for (const route of component.cohortRoutes) {
    const outside = outsideRoute(route, rows, now);
    if (outside === undefined) return take("cohort route", route.alias, () => `cohort ${route.cohort}`);
    pass?.("cohort route", `${route.cohort}: ${outside}`);
  }
  return undefined;
}

function outsideRoute(route: Period & { cohort: string }, rows: SubjectRow[], now: Date): string | undefined {
  if (!rows.some((row) => row.cohorts.includes(route.cohort))) return "not a member";
  return outsidePeriod(route, now);
}

function rolledOut(input: DecisionInput, pass: Pass, take: Take): Decision | undefined {
  const { rollout } = input.component;
  if (rollout === undefined) return void pass?.("rollout", "the component has no rollout");
  const outside = outsideRollout(rollout, input.subject, input.now);
  if (outside !== undefined) return void pass?.("rollout", outside);
  return take("rollout", rollout.alias, () => `${rollout.basisPoints / 100} % of ${rollout.by}s`);
}

function outsideRollout(rollout: Rollout, subject: Subject, now: Date): string | undefined {
  const outside = outsidePeriod(rollout, now);
  if (outside !== undefined) return outside;
  const id = subject[rollout.by];
  if (id === undefined) return `the event has no ${rollout.by}, which the rollout is keyed by`;
  const bucket = bucketOf(id, rollout.salt);
  return bucket < rollout.basisPoints ? undefined : `outside the share: bucket ${bucket} ≥ ${rollout.basisPoints}`;
}

/** Why the alias's laptop can't be had; undefined for every other alias. */
function laptopLapse({ component, leaseOf, now }: DecisionInput, alias: Alias): string | undefined {
  if (leaseOf === undefined || aliasOf(component, alias)?.target.kind !== "laptop") return undefined;
  return lapseText(leaseOf(component.name, alias), now);
}

function isUsable(component: Component, alias: Alias): boolean {
  const entry = aliasOf(component, alias);
  return entry !== undefined && entry.retired !== true;
}
