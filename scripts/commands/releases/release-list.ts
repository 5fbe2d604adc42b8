import { stateText } from "../../../shared/domain/releases/release-state.ts";
import { isUnderWay } from "../../../shared/domain/routing/release.ts";
import { type LookedAt, lookAtRelease } from "../../../shared/flows/release/advance-release.ts";
import { type ReleaseOf, releaseNamed, releases } from "../../../shared/flows/release/find-release.ts";
import { judgeRelease } from "../../../shared/flows/release/judge-release.ts";
import { standingOf } from "../../../shared/flows/release/release-standing.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { withInstallation } from "../terminal/context.ts";
import type { JsonOption } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";
import { releaseJson, releaseLines } from "./release-text.ts";

export async function listReleases({ json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const all = await releases(routingTable);
    if (json) for (const one of all) printJson(releaseJson(one, undefined));
    else if (all.length === 0) note("there are no releases");
    else printTable(columns, all);
  });
}

const columns: Column<ReleaseOf>[] = [
  { title: "RELEASE", text: ({ release }) => release.id },
  { title: "COMPONENT", text: ({ component }) => component.name, least: 12 },
  { title: "VERSION", text: ({ release }) => release.version },
  {
    title: "STATE",
    text: ({ release }) => stateText(release),
    style: ({ release }) => (isUnderWay(release) ? "green" : undefined),
  },
  { title: "BEGUN", text: ({ release }) => release.startedAt, optional: 2 },
  { title: "WHO", text: ({ release }) => release.who, least: 8, optional: 3 },
  { title: "WHY", text: ({ release }) => release.why, least: 12, optional: 1 },
];

export async function showRelease(id: string, { json }: JsonOption): Promise<void> {
  await withInstallation(async (installation) => {
    const found = await releaseNamed(installation.routingTable, id);
    const looked = await lookedAt(installation, found, new Date());
    const standing = await standingOf(installation, found);
    if (json) return printJson(releaseJson(found, looked, standing));
    for (const line of releaseLines(found, looked, standing)) printLine(line);
  });
}

/** How a release stands and what it does next, with what the guard says of its version; undefined when it has ended. */
export function lookedAt(
  { routingTable: table, catalog, watches }: Pick<Installation, "routingTable" | "catalog" | "watches">,
  { component }: ReleaseOf,
  now: Date,
): Promise<LookedAt | undefined> {
  return lookAtRelease({ table, catalog, judge: (...of) => judgeRelease(watches, ...of) }, component, now);
}
