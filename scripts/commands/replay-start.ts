import { randomInt } from "node:crypto";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { DEFAULT_RETENTION_DAYS } from "../../shared/domain/event.ts";
import type { OutcomeFilter } from "../../shared/domain/event-outcome.ts";
import {
  DEFAULT_RATE_PER_SECOND,
  type Replay,
  type ReplayMode,
  type ReplayRequest,
} from "../../shared/domain/replay.ts";
import type { TimeWindow } from "../../shared/domain/time-window.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { type PlannedReplay, planReplay } from "../../shared/flows/plan-replay.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { refuseTarget, startReplay } from "../../shared/flows/start-replay.ts";
import { canAsk, confirm, confirmCount } from "./confirm.ts";
import { commandAsTyped, server, who, withState } from "./context.ts";
import { filterOf, filterWords, type WindowOptions, windowOf } from "./filter-options.ts";
import { componentNamed } from "./move-alias.ts";
import { type JsonOption, usage } from "./options.ts";
import { note, printJson, printLine } from "./output.ts";
import { countsJson, planLines, requestLines } from "./replay-text.ts";
import { watch } from "./replay-watch.ts";
import { commandLine } from "./shell-quote.ts";
import { sourcesIn } from "./sources.ts";

export type RequestOptions = JsonOption &
  OutcomeFilter &
  WindowOptions &
  RateOptions & {
    mode: ReplayMode;
    toAlias?: string;
    original?: true;
  };

export type RateOptions = {
  /** Deliveries begun per second; 0: as fast as it goes. */
  rate?: number;
  concurrency: number;
};

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

const DAY_MS = 86_400_000;

/** How often it is said how far a plan is, in ms. */
const TELL_EVERY_MS = 250;

export async function planOnly(options: RequestOptions): Promise<void> {
  await withState(async (state) => {
    const now = new Date();
    const request = await requestOf(state, options, now);
    const plan = await plannedReplay(state, request, now);
    if (options.json) printJson(planJson(plan, request));
    else tell(plan, request, options, printLine);
    await tellEmpty(state, plan, request);
    if (plan.counts.sent > 0 && !options.json) note(`start it: ${startCommand(request, options)} --reason TEXT`);
  });
}

export async function startAsAsked(options: StartOptions): Promise<void> {
  await withState(async (state) => {
    const now = new Date();
    const request = await requestOf(state, options, now);
    const plan = await plannedReplay(state, request, now);
    if (!options.json || !options.yes) tell(plan, request, options, note);
    if (plan.counts.sent === 0) {
      await tellEmpty(state, plan, request);
      if (options.json)
        printJson({ started: false, dry_run: options.dryRun ?? false, planned: countsJson(plan.counts) });
      return note("nothing to deliver: no replay was started");
    }
    await noteOverlaps(state, request);
    refuseMany(plan, options);
    if (options.dryRun) {
      if (options.json) printJson({ started: false, dry_run: true, planned: countsJson(plan.counts) });
      return note("dry run: nothing was started");
    }
    await confirmReplay(plan, "Deliver these again?", options);
    const replay = await start(state, request, plan, options, now);
    await follow(state, replay, options);
  });
}

/** Stores the replay. */
export function start(
  { replays }: EmbeddedState,
  request: ReplayRequest,
  plan: PlannedReplay,
  { reason, name, rate = DEFAULT_RATE_PER_SECOND, concurrency }: ConfirmOptions & RateOptions,
  now: Date,
): Promise<Replay> {
  return startReplay(replays, {
    ...request,
    name: name ?? newName("replay", now),
    who: who(),
    why: reason,
    command: commandAsTyped(),
    requestedAt: now,
    ...(rate > 0 ? { ratePerSecond: rate } : {}),
    concurrency,
    planned: plan.counts,
  });
}

/** Says that it was started, and watches it unless that isn't wanted. */
export async function follow(
  state: EmbeddedState,
  replay: Replay,
  { detach, json }: ConfirmOptions & JsonOption,
): Promise<void> {
  const { name } = replay;
  if (json) printJson({ started: true, replay: name, planned: countsJson(replay.planned) });
  else printLine(`replay ${name} started`);
  note(`cancel it: ${commandLine("replay", "cancel", name)}`);
  if (server(state) === undefined) {
    return note(
      `no server runs here: it begins when one does ('npm start'); watch it with '${commandLine("replay", "watch", name)}'`,
    );
  }
  if (detach) return note(`watch it: ${commandLine("replay", "watch", name)}`);
  await watch(state.replays, name, json === true);
}

/** E.g. `replay-20261120-101502-kfx`: sorted by time, and hardly ever drawn twice. */
export function newName(what: string, now: Date): string {
  const [day = "", time = ""] = now.toISOString().replaceAll(/[-:]/g, "").split("T");
  const letters = Array.from({ length: 3 }, () => String.fromCharCode(97 + randomInt(26))).join("");
  return `${what}-${day}-${time.slice(0, 6)}-${letters}`;
}

async function requestOf(state: EmbeddedState, options: RequestOptions, now: Date): Promise<ReplayRequest> {
  if (options.toAlias !== undefined && options.original) throw usage("Name one of --to-alias and --original.");
  const filter = filterOf(options);
  const window = await storedWindow(state, windowOf(options, now), now);
  const { toAlias, original, mode } = options;
  const target =
    toAlias !== undefined
      ? { kind: "alias" as const, alias: toAlias }
      : { kind: original ? ("original" as const) : ("today" as const) };
  const request: ReplayRequest = { window, filter, mode, target };
  await refuseTarget(routingCache(state.routingTable), request);
  return request;
}

/**
 * The window as far as its events may still be stored.
 * @throws TurnoutError `usage` when it lies in the future, or all that was in it has been removed by now
 */
export async function storedWindow(
  { routingTable }: EmbeddedState,
  window: TimeWindow,
  now: Date,
): Promise<TimeWindow> {
  const end = new Date(now.getTime() + 1);
  if (window.from > now || window.to > end) {
    const [what, at] = window.from > now ? ["begin", window.from] : ["end", window.to];
    throw usage(
      `The time window would ${what} at ${at.toISOString()}, in the future. A replay covers what has arrived.`,
    );
  }
  const days = await longestRetentionDays(routingTable);
  const oldest = new Date(now.getTime() - days * DAY_MS);
  if (window.from >= oldest) return window;
  const kept = `Events are kept for ${days} days; what arrived since ${oldest.toISOString()} is still there`;
  if (window.to <= oldest) throw usage(`All of the time window is past its retention. ${kept}.`);
  note(`${kept}: the window begins then.`);
  return { ...window, from: oldest };
}

async function longestRetentionDays(table: EmbeddedState["routingTable"]): Promise<number> {
  return (await sourcesIn(table)).reduce(
    (most, { retentionDays = DEFAULT_RETENTION_DAYS, retentionDaysByType = {} }) =>
      Math.max(most, retentionDays, ...Object.values(retentionDaysByType)),
    DEFAULT_RETENTION_DAYS,
  );
}

/** Plans, and says on a terminal how far it is. */
export async function plannedReplay(state: EmbeddedState, request: ReplayRequest, now: Date): Promise<PlannedReplay> {
  const ports = { ...state, routing: routingCache(state.routingTable) };
  const shown = process.stderr.isTTY === true;
  let told = Date.now();
  let isTold = false;
  const plan = await planReplay(
    ports,
    { ...request, name: "", startedAt: now },
    () => new Date(),
    (scanned, upTo) => {
      if (!shown || Date.now() - told < TELL_EVERY_MS) return;
      told = Date.now();
      isTold = true;
      process.stderr.write(`\r${scanned} stored events looked at, up to ${upTo.toISOString()}`);
    },
  );
  if (isTold) process.stderr.write("\n");
  return plan;
}

/** Says what would be done. @param print data for `plan`, and for `start` what is asked about */
export function tell(
  plan: PlannedReplay,
  request: ReplayRequest,
  { rate = DEFAULT_RATE_PER_SECOND }: Pick<RateOptions, "rate">,
  print: (line: string) => void,
): void {
  for (const line of requestLines(request)) note(line);
  for (const line of planLines(plan, request, rate === 0 ? undefined : rate)) print(line);
}

function planJson({ counts, perMinute, byStatus, handledBy }: PlannedReplay, request: ReplayRequest) {
  const { window, filter, mode, target } = request;
  return {
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    filter,
    mode,
    target: target.kind === "alias" ? target.alias : target.kind,
    ...countsJson(counts),
    per_minute: [...perMinute].map(([minute, count]) => ({ minute: new Date(minute).toISOString(), count })),
    by_status: Object.fromEntries(byStatus),
    handled_by: handledBy.map(({ component, alias, version, count }) => ({
      component,
      alias,
      component_version: version || null,
      count,
    })),
  };
}

/** Where nothing matches, a name may be misspelt. */
async function tellEmpty({ routingTable }: EmbeddedState, { counts }: PlannedReplay, { filter }: ReplayRequest) {
  if (counts.matched === 0 && filter.component !== undefined) await componentNamed(routingTable, filter.component);
}

export async function noteOverlaps({ replays }: EmbeddedState, { window }: ReplayRequest): Promise<void> {
  for (const other of await replays.active()) {
    if (other.window.from >= window.to || window.from >= other.window.to) continue;
    note(`replay ${other.name} is under way on a part of this window: what both match is delivered by both`);
  }
}

/** @throws TurnoutError `not allowed` when more would be sent than was said */
export function refuseMany({ counts: { sent } }: PlannedReplay, { atMost, yes }: ConfirmOptions): void {
  if (atMost !== undefined && sent > atMost) {
    throw new TurnoutError(
      "not allowed",
      `Nothing was started: ${sent} deliveries would be made, and --at-most says ${atMost}.`,
    );
  }
  if (sent > MANY && yes && atMost === undefined) {
    throw new TurnoutError(
      "needs confirmation",
      `Nothing was started: ${sent} deliveries would be made. Above ${MANY}, --yes needs --at-most with the number you expect.`,
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

/** The same request with its window in absolute times: what `plan` showed. */
function startCommand({ window, filter, mode, target }: ReplayRequest, { rate, concurrency }: RequestOptions): string {
  return commandLine(
    "replay",
    "start",
    "--from",
    window.from.toISOString(),
    "--to",
    window.to.toISOString(),
    ...filterWords(filter),
    ...(mode === "rerun" ? [] : ["--mode", mode]),
    ...(target.kind === "alias" ? ["--to-alias", target.alias] : []),
    ...(target.kind === "original" ? ["--original"] : []),
    ...(rate === undefined ? [] : ["--rate", rate === 0 ? "unlimited" : `${rate}`]),
    ...(concurrency === 25 ? [] : ["--concurrency", `${concurrency}`]),
  );
}
