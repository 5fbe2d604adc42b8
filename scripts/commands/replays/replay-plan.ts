import {
  DEFAULT_CONCURRENCY,
  DEFAULT_RATE_PER_SECOND,
  type ReplayMode,
  type ReplayRequest,
} from "../../../shared/domain/replays/replay.ts";
import type { PlannedReplay, PlanProgress } from "../../../shared/flows/replay/plan-replay.ts";
import { planStart, type StartPlan } from "../../../shared/flows/replay/plan-start.ts";
import { keptText, type StoredWindow } from "../../../shared/flows/replay/start-replay.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { refuseMisspelt } from "../events/filter-names.ts";
import { type FilterOptions, filterOf, filterWords, type WindowOptions, windowOf } from "../events/filter-options.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, usage } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { planJson } from "./replay-json.ts";
import { planLines, requestLines } from "./replay-text.ts";

export type RequestOptions = JsonOption &
  FilterOptions &
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

/** How often it is said how far a plan is, in ms. */
const TELL_EVERY_MS = 250;

export async function planOnly(options: RequestOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const { request, plan } = await plannedStart(installation, options);
    if (options.json) printJson(planJson(plan, request, perSecondOf(options)));
    else tell(plan, request, options, printLine);
    if (plan.counts.sent > 0 && !options.json) note(`start it: ${startCommand(request, options)} --reason TEXT`);
  });
}

/**
 * Plans a replay as it is asked for, and says on a terminal how far it is.
 * @throws TurnoutError when nothing like it can be replayed; it says why
 */
export async function plannedStart(
  installation: Installation,
  options: RequestOptions & { name?: string },
): Promise<StartPlan> {
  const now = () => new Date();
  const asked = askedFor(options, now());
  const start = await tellingHowFar((onProgress) =>
    planStart({ ...installation, now }, asked, options.name, onProgress),
  );
  noteCut(start.cut);
  // Where nothing was handled that the filter matches, a name may be misspelt.
  const { counts, handledBy } = start.plan;
  if (counts.sent === 0 && handledBy.length === 0) await refuseMisspelt(installation, start.request.filter);
  return start;
}

function askedFor(options: RequestOptions, now: Date): ReplayRequest {
  const { toAlias, original, mode } = options;
  if (toAlias !== undefined && original) throw usage("Name one of --to-alias and --original.");
  const destination =
    toAlias !== undefined
      ? { kind: "alias" as const, alias: toAlias }
      : { kind: original ? ("original" as const) : ("today" as const) };
  return { window: windowOf(options, now), filter: filterOf(options), mode, destination };
}

/** Says where a window has been cut. */
export function noteCut(cut: StoredWindow["cut"]): void {
  if (cut !== undefined) note(`${keptText(cut)}: the window begins then.`);
}

/** Says on a terminal how far a plan is. */
export async function tellingHowFar<T>(work: (onProgress: PlanProgress) => Promise<T>): Promise<T> {
  const shown = process.stderr.isTTY === true;
  let told = Date.now();
  let isTold = false;
  const plan = await work((scanned, upTo) => {
    if (!shown || Date.now() - told < TELL_EVERY_MS) return;
    told = Date.now();
    isTold = true;
    process.stderr.write(`\r${scanned} stored events looked at, up to ${upTo.toISOString()}`);
  });
  if (isTold) process.stderr.write("\n");
  return plan;
}

/** Says what would be done. @param print data for `plan`, and for `start` what is asked about */
export function tell(
  plan: PlannedReplay,
  request: ReplayRequest,
  rate: Pick<RateOptions, "rate">,
  print: (line: string) => void,
): void {
  for (const line of requestLines(request)) note(line);
  for (const line of planLines(plan, request, perSecondOf(rate))) print(line);
}

/** Undefined: as fast as it goes. */
export function perSecondOf({ rate = DEFAULT_RATE_PER_SECOND }: Pick<RateOptions, "rate">): number | undefined {
  return rate === 0 ? undefined : rate;
}

/** The same request with its window in absolute times: what `plan` showed. */
function startCommand(
  { window, filter, mode, destination }: ReplayRequest,
  { rate, concurrency }: RequestOptions,
): string {
  return commandLine(
    "replay",
    "start",
    "--from",
    window.from.toISOString(),
    "--to",
    window.to.toISOString(),
    ...filterWords(filter),
    ...(mode === "rerun" ? [] : ["--mode", mode]),
    ...(destination.kind === "alias" ? ["--to-alias", destination.alias] : []),
    ...(destination.kind === "original" ? ["--original"] : []),
    ...(rate === undefined ? [] : ["--rate", rate === 0 ? "unlimited" : `${rate}`]),
    ...(concurrency === DEFAULT_CONCURRENCY ? [] : ["--concurrency", `${concurrency}`]),
  );
}
