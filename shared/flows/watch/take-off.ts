import { sha256 } from "../../domain/hash.ts";
import { whoText } from "../../domain/health/customer-verdict.ts";
import { countSpans } from "../../domain/health/delivery-count.ts";
import { newWatch, type TakenOff, type Watch } from "../../domain/health/watch.ts";
import { DEFAULT_CONCURRENCY, noCounts } from "../../domain/replays/replay.ts";
import type { Component } from "../../domain/routing/component.ts";
import { freezeText } from "../../domain/routing/guardrails.ts";
import type { Revision } from "../../domain/routing/routing-change.ts";
import { splitKey } from "../../domain/text/split-key.ts";
import type { AliasedVersion } from "../../versions/version-catalog.ts";
import { changeRoutes } from "../change/change-routes.ts";
import { standingGuardrails } from "../change/standing-guardrails.ts";
import { startReplay } from "../replay/start-replay.ts";
import { undoRequest } from "../versions/undo-version.ts";
import type { GuardPorts } from "./guard-ports.ts";

/** Changes that are read at once. */
const CHANGES_PER_PAGE = 200;

/** How somebody who is taken off stands, and what it waits for if nothing can be done now. */
export type TakeOffStep = { taken: TakenOff; waits?: string };

/**
 * Takes somebody off a version that is worse for them: pins them to the fallback alias, whatever rule has led them there,
 * and has delivered again what the version left of theirs unresolved. Whatever it is begun anew after, each is made once.
 */
export async function takeOff(
  ports: GuardPorts,
  component: Component,
  watch: Watch,
  taken: TakenOff,
  targets: readonly AliasedVersion[],
): Promise<TakeOffStep> {
  const { mode, who } = taken;
  const behind = targets.find(({ alias }) => alias === watch.alias)?.version;
  if (behind !== watch.version) return { taken: ended(taken, `somebody has moved ${watch.alias} already`) };
  if (mode === "watch") return { taken: ended(taken, "a person decides: nobody was moved") };
  const { allStable, fallbackAlias } = component;
  const { freeze } = (await standingGuardrails(ports.routingTable)).guardrails;
  if (freeze !== undefined) return { taken, waits: freezeText(freeze) };
  if (allStable !== undefined) return { taken, waits: `everything goes to ${fallbackAlias}` };
  const revision = await pinTo(ports, component, watch, taken);
  const done = `${whoText(who)} goes to ${fallbackAlias} until revision ${revision} is reverted`;
  if (mode !== "undo") return { taken: ended(taken, done) };
  const replay = replayName(watch, taken);
  await replayOwn(ports, watch, taken, replay);
  return { taken: ended(taken, `${done}, and replay ${replay} delivers what the version left of theirs`) };
}

function ended(taken: TakenOff, done: string): TakenOff {
  return { ...taken, stage: "ended", done };
}

/**
 * The watch without them: what has come so far is of their time on the version. Of whom it has failed for it still knows, so
 * that the next one isn't taken for the only one.
 */
export function withoutThem(watch: Watch, now: Date): Watch {
  const { lock, slow, before, customers, taken, lookedAt, since } = watch;
  // What is counted is counted by the minute: this one still has some of theirs.
  const next = new Date(Math.ceil(now.getTime() / countSpans.minute) * countSpans.minute);
  return {
    ...newWatch(watch, new Date(since), next),
    ...{ lock, customers },
    ...(slow && { slow }),
    ...(before && { before }),
    ...(taken && { taken }),
    ...(lookedAt && { lookedAt }),
  };
}

/** @returns the revision of the change, be it of now or from before a crash */
async function pinTo(ports: GuardPorts, component: Component, watch: Watch, taken: TakenOff): Promise<Revision> {
  const { routingTable, now } = ports;
  const { who: subject, why, at } = taken;
  const changeId = changeIdOf(watch, taken);
  const made = await revisionOf(ports, changeId, taken.revision);
  if (made !== undefined) return made;
  const { name, fallbackAlias } = component;
  const [level, id] = splitKey(subject);
  const who = `guard/${name}`;
  const pin = { alias: fallbackAlias, who, why, at };
  const edit = { kind: "pin", level, id, component: name, pin } as const;
  const command = commandOf(watch, taken);
  // A freeze was asked for a moment ago; guardrails don't stand against going to where everybody is.
  const { revision } = await changeRoutes(routingTable, { edit, changeId, who, why, command, at: now(), force: true });
  return revision;
}

function changeIdOf({ component, alias, version }: Watch, { who, at }: TakenOff): string {
  return `take-off-${sha256(JSON.stringify([component, alias, version, who, at])).slice(0, 32)}`;
}

async function revisionOf(
  { routingTable }: Pick<GuardPorts, "routingTable">,
  changeId: string,
  since: Revision,
): Promise<Revision | undefined> {
  const head = await routingTable.head();
  for (let after = since; after < head; after += CHANGES_PER_PAGE) {
    const changes = await routingTable.changesAfter(after, CHANGES_PER_PAGE);
    const own = changes.find((change) => change.changeId === changeId);
    if (own !== undefined) return own.revision;
  }
  return undefined;
}

/** At most 64 letters, digits and hyphens. */
function replayName({ alias, version }: Watch, { who, at }: TakenOff): string {
  const named = `guard-${alias}-${version}-${who}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return `${named.slice(0, 50).replace(/-+$/, "")}-${Date.parse(at).toString(36)}`;
}

async function replayOwn(ports: GuardPorts, watch: Watch, taken: TakenOff, name: string): Promise<void> {
  const { replays, routingTable, now } = ports;
  const { component, alias, version, since } = watch;
  const { who: subject, why, all = false } = taken;
  if ((await replays.get(name)) === undefined) {
    const [level, id] = splitKey(subject);
    const filter = { [level]: id };
    const what = { component, alias, from: version, since: new Date(since), all, filter };
    const { request } = await undoRequest(routingTable, what, now());
    const said = { who: `guard/${component}`, why, command: commandOf(watch, taken), requestedAt: now() };
    await startReplay(replays, { ...request, name, ...said, concurrency: DEFAULT_CONCURRENCY, planned: noCounts() });
  }
  await ports.callReplayer(name);
}

/** What stands in the log where others' commands do: nobody has typed it. */
function commandOf({ alias, version }: Watch, { who, mode }: TakenOff): string {
  return `guard of ${alias}, mode ${mode}: ${whoText(who)} taken off version ${version}`;
}
