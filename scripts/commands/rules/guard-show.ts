import { whoText } from "../../../shared/domain/health/customer-verdict.ts";
import { oddsText } from "../../../shared/domain/health/evidence-words.ts";
import type { MetricVerdict } from "../../../shared/domain/health/guard-verdict.ts";
import { saysOf, standsAs, strongest, toldText, verdictOf } from "../../../shared/flows/watch/guard-told.ts";
import type { GuardedVersion } from "../../../shared/flows/watch/guards-of.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";

/** A line per guarded alias and per version that was found to be worse, and below what is to be said of each. */
export function showGuards(guarded: readonly GuardedVersion[], json: boolean): void {
  if (json) for (const one of guarded) printJson(guardJson(one));
  else if (guarded.length === 0) note("nothing is guarded");
  else {
    printTable(COLUMNS, guarded);
    for (const one of guarded) {
      const name = `${one.component} ${one.alias} ${one.version ?? "none"}`;
      const told = toldText(one);
      if (told !== "") printLine(`${name}: ${told}`);
    }
  }
}

const COLUMNS: Column<GuardedVersion>[] = [
  { title: "COMPONENT", text: ({ component }) => component, least: 12 },
  { title: "ALIAS", text: ({ alias }) => alias, least: 6 },
  { title: "VER", text: ({ version }) => version ?? "none", alignRight: true },
  { title: "MODE", text: standsAs },
  {
    title: "VERDICT",
    text: (one) => saysOf(one),
    style: (one) => (saysOf(one) === "worse" ? "red" : saysOf(one) === "healthy so far" ? "green" : undefined),
  },
  { title: "A", text: (one) => oddsText(strongest(one)?.worseThanStable), alignRight: true },
  { title: "B", text: (one) => oddsText(strongest(one)?.worseThanBefore), alignRight: true },
];

function guardJson(one: GuardedVersion): object {
  const { component, alias, version, guard, watch, isThere, outranked } = one;
  const verdict = verdictOf(one);
  return {
    component,
    alias,
    component_version: version,
    is_there: isThere,
    mode: guard?.mode ?? null,
    guarded_by: guard === undefined ? null : { who: guard.who, why: guard.why, at: guard.at },
    verdict: saysOf(one),
    more_deliveries: verdict?.more ?? null,
    metrics: (verdict?.metrics ?? []).map(metricJson),
    since: watch?.since ?? null,
    counted_from: watch?.from ?? null,
    looked_at: watch?.lookedAt ?? null,
    customers_affected: watch?.customers.length ?? 0,
    told: toldText(one),
    waits: watch?.waits ?? outranked ?? null,
    taken_off: (watch?.taken ?? []).map(({ who, at, why, done }) => ({
      who: whoText(who),
      at,
      why,
      done: done ?? null,
    })),
    trip: watch?.trip === undefined ? null : tripJson(watch.trip),
  };
}

function metricJson({ metric, own, stable, before, worseThanStable, worseThanBefore, level }: MetricVerdict): object {
  return {
    metric,
    first_attempts: own.tried,
    [metric]: own.failed,
    stable: { first_attempts: stable.tried, [metric]: stable.failed },
    before: before === undefined ? null : { first_attempts: before.tried, [metric]: before.failed },
    worse_than_stable: worseThanStable ?? null,
    worse_than_before: worseThanBefore ?? null,
    level,
  };
}

function tripJson(trip: NonNullable<NonNullable<GuardedVersion["watch"]>["trip"]>): object {
  const { at, stage, mode, to, replay, done } = trip;
  return { at, stage, mode, to: to ?? null, replay: replay ?? null, done: done ?? null };
}
