import { own } from "../text/schema.ts";
import { splitKey } from "../text/split-key.ts";
import type { Component } from "./component.ts";
import { isUnderWay, type Release, stepText } from "./release.ts";
import type { RowChange } from "./routing-change.ts";
import { UnreadableRow } from "./unreadable-row.ts";

/** What a change does about releases, guards and the versions that they have found to be worse, a few words each. */
export function ruleWords(rows: readonly RowChange[]): string[] {
  return rows.flatMap(rowWords);
}

function rowWords({ key, before, after }: RowChange): string[] {
  // Of what stood in a row that can't be read nobody knows what has become.
  if (splitKey(key)[0] !== "component" || before instanceof UnreadableRow) return [];
  const [was, is] = [componentOf(before), componentOf(after)];
  return [...releaseWords(was?.release, is?.release), ...guardWords(was, is), ...markWords(was, is)];
}

function componentOf(row: RowChange["after"]): Component | undefined {
  return row === null ? undefined : (row as Component);
}

function releaseWords(was: Release | undefined, is: Release | undefined): string[] {
  const before = was?.id === is?.id && was?.startedAt === is?.startedAt ? was : undefined;
  if (is === undefined) return isUnderWay(was) ? [`release ${was.id} forgotten`] : [];
  const done = before === undefined ? begun(is) : sinceThen(before, is);
  return done === undefined ? [] : [`release ${is.id} ${done}`];
}

function begun({ version, alias, into, steps }: Release): string {
  return `begun: version ${version} by ${alias} to ${into}, ${steps.map(stepText).join(", ")}`;
}

function sinceThen(was: Release, is: Release): string | undefined {
  const step = is.steps[is.made - 1];
  if (is.ended !== undefined && was.ended === undefined) return `ended: ${is.ended.how}`;
  if (is.ending !== undefined && was.ending === undefined) {
    return is.ending.how === "done" ? "takes its rules away: everybody is on it" : `taken back: ${is.ending.how}`;
  }
  if (is.made > was.made && step !== undefined) return `step ${is.made} of ${is.steps.length}: ${stepText(step)}`;
  if (is.made < was.made) return `back at step ${is.made} of ${is.steps.length}`;
  if (is.paused !== undefined && was.paused === undefined) return `paused: ${is.paused.why}`;
  return is.paused === undefined && was.paused !== undefined ? "resumed" : undefined;
}

function guardWords(was: Component | undefined, is: Component | undefined): string[] {
  const [before, after] = [was?.guards ?? {}, is?.guards ?? {}];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((alias) => {
    const [old, now] = [own(before, alias), own(after, alias)];
    if (now === undefined) return [`guard of ${alias} cleared`];
    if (old !== undefined && old.mode === now.mode && old.all === now.all) return [];
    const mode = `${now.mode}${now.all ? ", all of it" : ""}`;
    return [`guard of ${alias}: ${old === undefined ? mode : `${old.mode} → ${mode}`}`];
  });
}

function markWords(was: Component | undefined, is: Component | undefined): string[] {
  const [before, after] = [was?.badVersions ?? [], is?.badVersions ?? []];
  const isIn = (all: typeof before, { version, alias }: (typeof before)[number]) =>
    all.some((one) => one.version === version && one.alias === alias);
  const marked = after.filter((one) => !isIn(before, one));
  const cleared = is === undefined ? [] : before.filter((one) => !isIn(after, one));
  return [
    ...marked.map(({ version, alias }) => `version ${version} marked as worse behind ${alias}`),
    ...cleared.map(({ version, alias }) => `version ${version} no longer marked as worse behind ${alias}`),
  ];
}
