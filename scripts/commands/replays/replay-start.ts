import { randomInt } from "node:crypto";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { matchedRows } from "../../../shared/domain/replays/matched-rows.ts";
import type { Replay, ReplayRequest } from "../../../shared/domain/replays/replay.ts";
import type { PlannedReplay } from "../../../shared/flows/replay/plan-replay.ts";
import { overlapping, type StartPlan, startAndCall } from "../../../shared/flows/replay/plan-start.ts";
import type { NewReplay } from "../../../shared/flows/replay/start-replay.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { canAsk, confirm, confirmCount } from "../terminal/confirm.ts";
import { commandAsTyped, withInstallation } from "../terminal/context.ts";
import type { JsonOption } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { plannedJson } from "./replay-json.ts";
import { perSecondOf, plannedStart, type RateOptions, type RequestOptions, tell } from "./replay-plan.ts";
import { watch } from "./replay-watch.ts";

export type ConfirmOptions = {
  reason: string;
  name?: string;
  dryRun?: true;
  yes?: true;
  atMost?: number;
  detach?: true;
};
export type StartOptions = RequestOptions & ConfirmOptions;

/** Above so many deliveries a bare yes is not enough. */
const MANY = 1_000;

export async function startAsAsked(options: StartOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const start = await plannedStart(installation, options);
    const { request, plan } = start;
    const notStarted = { started: false, replay: null, planned: plannedJson(plan.counts) };
    if (!options.json || !options.yes) tell(plan, request, options, note);
    if (plan.counts.sent === 0) {
      if (options.json) printJson({ ...notStarted, dry_run: options.dryRun ?? false });
      return note("nothing to deliver: no replay was started");
    }
    await noteOverlaps(installation, request);
    refuseMany(plan, options);
    if (options.dryRun) {
      if (options.json) printJson({ ...notStarted, dry_run: true });
      return note("dry run: nothing was started");
    }
    await confirmReplay(plan, "Deliver these again?", options);
    const { replay, uncalled } = await startAndCall(installation, await replayOf(installation, start, options));
    noteUncalled(replay.name, uncalled);
    await follow(installation, replay, options);
  });
}

async function replayOf(
  { who }: Installation,
  { request, plan, plannedAt: requestedAt }: StartPlan,
  { reason, name, concurrency, ...options }: ConfirmOptions & RateOptions,
): Promise<NewReplay> {
  const ratePerSecond = perSecondOf(options);
  return {
    ...request,
    name: name ?? newName("replay", requestedAt),
    who: await who(),
    why: reason,
    command: commandAsTyped(),
    requestedAt,
    ...(ratePerSecond !== undefined && { ratePerSecond }),
    concurrency,
    planned: plan.counts,
    matched: matchedRows(request.window, plan.perMinute),
  };
}

/** Has it run at once, and says so where that can't be. */
export async function callForReplay({ callReplayer }: Installation, name: string): Promise<void> {
  noteUncalled(name, await callReplayer(name));
}

export function noteUncalled(name: string, problem: string | undefined): void {
  if (problem === undefined) return;
  note(`the replayer could not be called, so that ${name} begins within a minute: ${problem}`);
}

/** Says that it was started, and watches it unless that isn't wanted. */
export async function follow(
  installation: Installation,
  replay: Replay,
  { detach, json }: ConfirmOptions & JsonOption,
): Promise<void> {
  const { name } = replay;
  if (json) printJson({ started: true, replay: name, planned: plannedJson(replay.planned), dry_run: false });
  else printLine(`replay ${name} started`);
  note(`cancel it: ${commandLine("replay", "cancel", name)}`);
  const watching = commandLine("replay", "watch", name);
  if (!installation.isServed()) {
    return note(`no server runs here: it begins when one does ('npm start'); watch it with '${watching}'`);
  }
  if (detach) return note(`watch it: ${watching}`);
  await watch(installation, name, json === true);
}

/** E.g. `replay-20261120-101502-kfx`: sorted by time, and hardly ever drawn twice. */
export function newName(what: string, now: Date): string {
  const [day = "", time = ""] = now.toISOString().replaceAll(/[-:]/g, "").split("T");
  const letters = Array.from({ length: 3 }, () => String.fromCharCode(97 + randomInt(26))).join("");
  return `${what}-${day}-${time.slice(0, 6)}-${letters}`;
}

export async function noteOverlaps({ replays }: Installation, { window }: ReplayRequest): Promise<void> {
  for (const { name } of await overlapping(replays, window)) {
    note(`replay ${name} is under way on a part of this window: what both match is delivered by both`);
  }
}

/** @throws TurnoutError `not allowed` when more would be sent than was said, `needs confirmation` when nothing was */
export function refuseMany({ counts: { sent } }: PlannedReplay, { atMost, yes, dryRun }: ConfirmOptions): void {
  const planned = `Nothing was changed: ${sent} deliveries would be made`;
  if (atMost !== undefined && sent > atMost) {
    throw new TurnoutError(
      "not allowed",
      `${planned}, and --at-most says ${atMost}. Narrow the filter, or raise --at-most.`,
    );
  }
  if (sent > MANY && yes && atMost === undefined && !dryRun) {
    throw new TurnoutError(
      "needs confirmation",
      `${planned}. Above ${MANY}, --yes needs --at-most with the number you expect.`,
    );
  }
}

/** Asks; above a thousand the number has to be typed. @throws TurnoutError `needs confirmation`; Interrupted */
export async function confirmReplay(
  { counts: { sent } }: PlannedReplay,
  question: string,
  { yes }: ConfirmOptions,
): Promise<void> {
  if (yes || sent <= MANY || !canAsk()) return confirm(question, yes ?? false);
  await confirmCount(question, sent);
}
