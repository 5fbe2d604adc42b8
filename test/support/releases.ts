import type { ReleaseVerdict } from "../../shared/domain/releases/next-step.ts";
import type { Component } from "../../shared/domain/routing/component.ts";
import type { Release, ReleaseStep } from "../../shared/domain/routing/release.ts";
import { releaseEdit } from "../../shared/domain/routing/release-edit.ts";
import { advanceRelease, type ReleasePorts } from "../../shared/flows/release/advance-release.ts";
import { type AskedRelease, planRelease } from "../../shared/flows/release/plan-release.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";
import { aComponent } from "./builders.ts";
import { memoryCatalog } from "./memory-catalog.ts";
import { noEvents } from "./no-events.ts";
import { portCalls, surrounded } from "./port-calls.ts";
import { allRowsOf, aRoutingTable } from "./routing-table.ts";

export const RC = "release-coordinator";
export const BEGAN = new Date("2026-11-20T10:00:00.000Z");

/** So many minutes after `BEGAN`. */
export const minutesLater = (minutes: number) => new Date(BEGAN.getTime() + minutes * 60_000);

const STEPS: ReleaseStep[] = [
  { kind: "cohort", cohort: "staff" },
  { kind: "plan", plan: "free" },
  { kind: "share", basisPoints: 500 },
  { kind: "share", basisPoints: 10_000 },
];

export function aRelease(about: Partial<Release> = {}): Release {
  return {
    id: "4-faster",
    version: "4",
    alias: "beta",
    aliasBefore: "2",
    into: "stable",
    intoBefore: "1",
    steps: STEPS,
    by: "customer",
    salt: "salt",
    everyMs: 600_000,
    guard: "undo",
    who: "ada",
    why: "faster",
    startedAt: BEGAN.toISOString(),
    made: 0,
    own: [],
    since: BEGAN.toISOString(),
    ...about,
  };
}

/** A component with stable at version 1 and beta at 2, a cohort, and nobody's rules. */
export async function aReleasing({ table, change } = aRoutingTable()) {
  await change({ kind: "apply component", component: aComponent({ name: RC, aliases: ["stable", "beta"] }) });
  await change({ kind: "create cohort", cohort: "staff", description: "us", who: "ada", at: BEGAN.toISOString() });
  const { catalog, versionOf, set } = memoryCatalog({ stable: "1", beta: "2" });
  const versions = ["1", "2", "3", "4", "5"];
  const calls = portCalls();
  const judged: { verdict: ReleaseVerdict } = { verdict: { says: "healthy", told: "healthy so far" } };
  const healed: string[] = [];
  let ids = 0;
  const whole = {
    ...catalog,
    versions: async () => versions.map((version) => ({ version, codeSha256: "", publishedAt: BEGAN, description: "" })),
  };
  const ports: ReleasePorts = {
    table: surrounded(table, ["commit"], calls.around),
    catalog: surrounded(whole, ["moveAlias"], calls.around),
    events: noEvents,
    judge: async () => judged.verdict,
    heal: async (_, { id }) => void healed.push(id),
    newId: () => `change-${++ids}`,
  };
  const component = () => componentIn(table);
  return {
    ...{ table, change, versionOf, set, calls, judged, healed, ports, versions },
    component,
    release: async () => (await component()).release as Release,
    plan: (about: Partial<AskedRelease> = {}, at = BEGAN) =>
      planRelease(
        { table, catalog: whole, events: noEvents },
        {
          ...{
            component: RC,
            version: "4",
            steps: STEPS,
            by: "customer",
            salt: "salt",
            everyMs: 600_000,
            guard: "undo",
          },
          ...{ who: "ada", why: "Faster rule!", at },
          ...about,
        },
      ),
    start: async (about: Partial<Release> = {}) => {
      const release = aRelease(about);
      await change(releaseEdit(RC, release, { do: "start", release }));
      return release;
    },
    /** Looks until nothing is left to do at that time; what was done. */
    look: async (now: Date) => {
      const done: string[] = [];
      for (;;) {
        const next = await advanceRelease(ports, await component(), now);
        if (next === undefined || next.do === "wait") return done;
        done.push(next.do);
        if (next.do === "pause" || done.length > 20) return done;
      }
    },
    /** Every row but what the release says of itself, as text. */
    rules: async () => rulesIn(table),
  };
}

async function componentIn(table: RoutingTable): Promise<Component> {
  const { components } = await table.components();
  const [component] = components;
  if (component === undefined) throw new Error("no component");
  return component;
}

async function rulesIn(table: RoutingTable): Promise<string> {
  const rows = [...(await allRowsOf(table))].toSorted(([a], [b]) => a.localeCompare(b, "en"));
  return JSON.stringify(rows.map(([key, row]) => [key, { ...row, release: undefined }]));
}
