import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { BEAT_MS, type LeaseClaim } from "../../../shared/domain/routing/laptop-lease.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { laptopListener } from "../../../shared/flows/listen/laptop-listener.ts";
import { failedHere, type LeftDead } from "../../../shared/flows/listen/left-dead.ts";
import type { TakenItem } from "../../../shared/flows/listen/take-inbox.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { onCtrlC } from "../terminal/on-ctrl-c.ts";
import { onOutputGone } from "../terminal/on-output-gone.ts";
import { note, printLine } from "../terminal/output.ts";
import type { ListenCode } from "./listen-code.ts";
import { listenKeys } from "./listen-keys.ts";
import { arrivals, jsonView, type ListenView, lineView, type ShownEvent } from "./listen-view.ts";

export type Listening = {
  installation: Installation;
  claim: LeaseClaim;
  code: ListenCode;
  until: Date;
  json: boolean;
};

/** How often an inbox is looked at: in a file on this machine, and on AWS, where it costs a request. */
const LOOK_MS = { folders: { busy: 10, idle: 20 }, functions: { busy: 250, idle: 1_000 } };

/** After a beat that failed, the next one: several of them before the lease lapses. */
const BEAT_AGAIN_MS = 3_000;

/** How long after the last event it counts as busy. */
const BUSY_MS = 5_000;

/**
 * Runs events until Ctrl-C, the end of its time, or somebody else's lease; then hands back what is left.
 * @param takeBack reverts the change that sends events here
 * @returns how it ended, in words
 */
export async function untilEnded(
  { installation, claim, code, until, json }: Listening,
  saved: { tell?: (problem: Error | undefined) => void },
  takeBack: () => Promise<string | undefined>,
): Promise<string> {
  const events = arrivals();
  const payloads = new Map<string, TakenItem>();
  const failed = failedHere();
  const ending = Promise.withResolvers<string>();
  let isOver = false;
  const end = (why: string) => ending.resolve(why);
  const restore = [onCtrlC(() => end("Ctrl-C")), onOutputGone(() => end("nobody reads what it prints"))];
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.once(signal, () => end(signal));
  const keys =
    !json && process.stdin.isTTY && process.stdout.isTTY
      ? listenKeys({ events, onAgain: (event) => void again(event), onEnd: () => end("Ctrl-C") })
      : undefined;
  const view: ListenView = json ? jsonView(events) : lineView(events, keys?.print ?? printLine);
  saved.tell = view.saved;

  async function again({ item, ...event }: ShownEvent): Promise<void> {
    const taken = payloads.get(item.requestId);
    if (taken !== undefined) view.again({ item, ...event }, await code.run(taken, randomUUID()));
  }

  const listener = laptopListener(
    {
      laptops: installation.laptops,
      events: installation.events,
      outcomes: installation.outcomes(),
      now: () => new Date(),
      // None of it keeps a listener that has ended.
      delay: (ms) => delay(ms, undefined, { ref: false }),
      run(taken) {
        remember(payloads, taken);
        return code.run(taken);
      },
      tell(said) {
        failed.hear(said);
        view.said(said);
      },
    },
    claim,
    claim.alias,
  );

  async function beats(): Promise<void> {
    while (!isOver) {
      const standing = await listener.beat();
      if (standing === "taken over") end("somebody else holds the lease");
      await within(standing === "cut off" ? BEAT_AGAIN_MS : BEAT_MS, ending.promise);
    }
  }

  async function looks(): Promise<void> {
    const { busy, idle } = LOOK_MS[installation.versions.from];
    let busyUntil = 0;
    while (!isOver) {
      const begun = await (code.isReady() ? listener.take(code.atOnce) : 0);
      if (begun > 0 || listener.inHand() > 0) busyUntil = Date.now() + BUSY_MS;
      if (Date.now() >= until.getTime()) end("its time is over");
      await within(Date.now() < busyUntil ? busy : idle, ending.promise);
    }
  }

  async function follows(): Promise<void> {
    for await (const line of code.printed()) {
      if (isOver) return;
      view.printed(line);
    }
  }

  const trouble = (error: unknown) => view.said({ said: "trouble", error });
  const working = [beats(), keepLooking(looks, trouble, () => isOver)];
  void follows().catch(trouble);
  const why = await ending.promise;
  isOver = true;
  keys?.close();
  note(`${why}: hands everything back`);
  // What runs here is ended while the routing changes: it is run elsewhere next.
  const [reverted, handed] = await Promise.all([
    takeBack().catch((error: unknown) => `the routing isn't taken back: ${textOf(error)}`),
    listener.stop(`handed back by ${claim.owner}`).then(
      (events) => `${plural(events, "event")} handed back, and decided again`,
      (error: unknown) => `not all is handed back: ${textOf(error)}; ${lapsing(listener.lease()?.until)}`,
    ),
    code.close(),
  ]);
  await Promise.all(working);
  const left = await failed.leftDead({ events: installation.events, delay }).then(
    (dead) => dead && leftDeadText(claim, dead),
    (error: unknown) => `what failed here may be dead, which can't be read: ${textOf(error)}`,
  );
  for (const putBack of restore) putBack();
  return [reverted, handed, left].filter(Boolean).join("; ");
}

/** With the plan of a replay that has them finished, in the generation that they have. */
function leftDeadText({ component, alias }: LeaseClaim, { dead, window }: LeftDead): string {
  const about = ["--component", component, "--executed-version", alias, "--unresolved", "--mode", "finish"];
  const times = ["--from", window.from.toISOString(), "--to", window.to.toISOString()];
  const which = `${plural(dead, "delivery that failed here is dead", "deliveries that failed here are dead")}`;
  return `${which}; deliver them again: ${commandLine("replay", "plan", ...about, ...times)}`;
}

function lapsing(until: string | undefined): string {
  return `the lease lapses by itself${until === undefined ? "" : ` at ${until.slice(11, 19)}`}, and the rest is decided again`;
}

/** A store that can't be read for a while costs that while. */
async function keepLooking(look: () => Promise<void>, onError: (error: unknown) => void, isOver: () => boolean) {
  while (!isOver()) {
    await look().catch(onError);
    if (!isOver()) await delay(BEAT_AGAIN_MS);
  }
}

async function within(ms: number, sooner: Promise<unknown>): Promise<void> {
  const waiting = new AbortController();
  await Promise.race([delay(ms, undefined, { signal: waiting.signal }).catch(() => {}), sooner]);
  waiting.abort();
}

/** As many as can be chosen, to be run once more. */
function remember(payloads: Map<string, TakenItem>, taken: TakenItem): void {
  payloads.set(taken.item.requestId, taken);
  const [oldest] = payloads.keys();
  if (payloads.size > 200 && oldest !== undefined) payloads.delete(oldest);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
