import { whoText } from "../health/customer-verdict.ts";
import type { TakenOff, Trip, Watch } from "../health/watch.ts";
import { takesItselfBack } from "../releases/next-step.ts";
import type { Component } from "../routing/component.ts";
import { isUnderWay, type Release, releaseActor } from "../routing/release.ts";
import { splitKey } from "../text/split-key.ts";
import { actingCommand, finishingCommand, noticeEvent } from "./notice.ts";

type Guarded = Pick<Component, "guards" | "release" | "fallbackAlias">;
type Watched = Pick<Watch, "component" | "alias" | "version" | "since">;

const TYPE = "Guard Verdict";

/** The event that tells of a version that is worse, and of what was done about it. */
export function worseNotice(about: Guarded, watch: Watched, trip: Trip): string {
  const { component, alias, version } = watch;
  const { why, mode, done = "", at } = trip;
  const takenBack = takenBackBy(about, watch, trip);
  const command = ["turnout", ...(takenBack ? ["release", "show", takenBack.id] : ["guard", "history", component])];
  const acts = takenBack ? null : actsOnVersion(about, watch, trip);
  const detail = { component, alias, version, verdict: "worse" as const, why, mode, done, at, command, acts };
  return noticeEvent({ type: TYPE, detail }, `${component}-${alias}-${version}-${at}`);
}

/** The event that tells of somebody for whom alone a version is worse. */
export function worseForOneNotice({ fallbackAlias }: Guarded, watch: Watched, taken: TakenOff): string {
  const { component, alias, version } = watch;
  const { who, why, mode, done = "", at } = taken;
  const [level, id] = splitKey(who);
  const pin = [`--${level}`, id, "--component", component];
  const detail = {
    ...{ component, alias, version, verdict: "worse for one" as const, about: whoText(who) },
    ...{ why, mode, done, at, command: ["turnout", "guard", "history", component] },
    acts:
      mode === "watch"
        ? actingCommand(TYPE, "pin", ...pin, "--to", fallbackAlias)
        : actingCommand(TYPE, "unpin", ...pin),
  };
  // A subject's id may have blanks, and two of them are told apart.
  const word = who.replaceAll(/[\s%]/g, encodeURIComponent);
  return noticeEvent({ type: TYPE, detail }, `${component}-${alias}-${version}-${word}-${at}`);
}

/** What the guard has left to a person: null where it has undone it all. */
function actsOnVersion({ guards, release }: Guarded, watch: Watched, { mode, at }: Trip): string[] | null {
  const { component, alias, version, since } = watch;
  if (isUnderWay(release) && guards?.[alias]?.who === releaseActor(release)) {
    return actingCommand(TYPE, "release", "abort", release.id);
  }
  if (mode === "undo") return null;
  if (mode !== "rollback") return actingCommand(TYPE, "undo", component, alias);
  const ofVersion = ["--component", component, "--executed-version", version];
  return finishingCommand(TYPE, new Date(since), new Date(at), ...ofVersion);
}

/** The release of this version that takes it back, or has done so: nobody else has anything to do. */
function takenBackBy({ guards, release }: Guarded, watch: Watched, { mode }: Trip): Release | undefined {
  const { alias, version, since } = watch;
  if (release === undefined || release.alias !== alias || release.version !== version) return undefined;
  const over = release.ended ?? release.ending;
  const isTold = mode === "watch" || mode === "hold";
  if (over !== undefined) return isTold && over.how !== "done" && over.at >= since ? release : undefined;
  const isItsGuard = guards?.[alias]?.who === releaseActor(release);
  return isItsGuard && takesItselfBack(release) ? release : undefined;
}
