import { html } from "hono/html";
import { rowAt, rowText, stepText, type TimeRows, timeRows } from "../../../shared/domain/text/time-rows.ts";
import type { TimeWindow } from "../../../shared/domain/text/time-window.ts";
import type { Html } from "../screen.ts";
import { percentText, perMinuteText } from "./figure-text.ts";
import { along, picture, pixels } from "./picture.ts";

/** What a version did, by when. */
export type RatedVersion = {
  version: string;
  aliases: readonly string[];
  counts: readonly { at: Date; firsts: number; failed: number }[];
};

type Bin = { firsts: number; failed: number };

/** As many bars as can be told apart on a telephone. */
const MOST_BARS = 60;

/** Longer windows are counted by the hour. */
const BY_HOURS_MS = 3 * 3_600_000;

/** Heights in pixels: of the bars, of the line beneath them, and where that begins. */
const BARS = 34;
const LINE = 20;
const LINE_AT = BARS + 6;

/** A share that is told in the colour of what is bad. */
const NOTABLE = 0.01;

/** Rates of failure that the line's scale may end at. */
const TOPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

/**
 * A row for each version: first attempts as bars, those that failed in them, and beneath the share that failed. Bars have a
 * scale for each version, as a new one gets little beside stable; shares have one for all of them.
 */
export function ratesPicture(id: string, window: TimeWindow, versions: readonly RatedVersion[]): Html {
  const lengthMs = window.to.getTime() - window.from.getTime();
  const times = timeRows(window, MOST_BARS, lengthMs > BY_HOURS_MS ? 60 : 1);
  const rows = versions.map((one) => ({ ...one, bins: binned(times, one.counts) }));
  const worst = Math.max(0, ...rows.flatMap(({ bins }) => bins.map(rateOf)));
  const top = TOPS.find((one) => one >= worst) ?? 1;
  const isEmpty = rows.every(({ bins }) => bins.every(({ firsts }) => firsts === 0));
  const minutes = lengthMs / 60_000;
  const last = rowText(times, times.starts.length - 1);
  return picture({
    id,
    title: `First attempts and failures per ${stepText(times)}`,
    nothing: "No deliveries in this window.",
    drawing: isEmpty ? undefined : html`<div class="rates">${rows.map((row) => rateRow(row, top, minutes))}</div>`,
    note: `${rowText(times, 0)} to ${last} UTC. Bars: first attempts, failed ones filled. Line: share that failed, up to ${percentText(top, 1)}.`,
    table: {
      head: [`${stepText(times)} from`, ...rows.flatMap(({ version }) => [`${named(version)} tried`, "failed"])],
      rows: times.starts.map((_, n) => [
        rowText(times, n),
        ...rows.flatMap(({ bins }) => [bins[n]?.firsts ?? 0, bins[n]?.failed ?? 0]),
      ]),
    },
  });
}

function rateRow(row: RatedVersion & { bins: readonly Bin[] }, top: number, minutes: number): Html {
  const { version, aliases, bins } = row;
  const sum = bins.reduce<Bin>((a, b) => ({ firsts: a.firsts + b.firsts, failed: a.failed + b.failed }), nothing);
  const rate = `${perMinuteText(sum.firsts, minutes)}/min`;
  const failed = `${percentText(sum.failed, sum.firsts)} failed`;
  const told = `${named(version)}: ${sum.firsts} first attempts, ${rate}; ${failed}`;
  return html`<div class="rate"><span class="rate-name"><b>${named(version)}</b> ${aliases.join(", ")}</span>
${ratesDrawing(bins, top, told)}
<span class="rate-figures">${rate} <span class="${rateOf(sum) >= NOTABLE ? "bad" : "soft"}">${failed}</span></span></div>`;
}

function ratesDrawing(bins: readonly Bin[], top: number, told: string): Html {
  const most = Math.max(1, ...bins.map(({ firsts }) => firsts));
  const bars = bins.map(({ firsts, failed }, n) => {
    if (firsts === 0) return "";
    const all = pixels(firsts / most, BARS);
    const bad = Math.min(all, pixels(failed / most, BARS));
    const place = { x: along((n + 0.08) / bins.length), width: along(0.84 / bins.length) };
    return html`${bar("bar", place, all, BARS)}${bad > 0 ? bar("bar-bad", place, bad, BARS) : ""}`;
  });
  return html`<svg class="rate-drawing" width="100%" height="${LINE_AT + LINE}" role="img" aria-label="${told}">
${bars}<line class="axis" x1="0" x2="100%" y1="${BARS + 0.5}" y2="${BARS + 0.5}"/>
<svg y="${LINE_AT}" width="100%" height="${LINE}" viewBox="0 0 100 100" preserveAspectRatio="none"><path class="line-bad" vector-effect="non-scaling-stroke" d="${rateLine(bins, top)}"/></svg>
</svg>`;
}

function bar(name: string, { x, width }: { x: string; width: string }, height: number, floor: number): Html {
  return html`<rect class="${name}" x="${x}" width="${width}" y="${Number((floor - height).toFixed(1))}" height="${height}"/>`;
}

/** The share that failed as a line of steps, which is broken where nothing was tried. */
function rateLine(bins: readonly Bin[], top: number): string {
  const x = (n: number) => Number(((n * 100) / bins.length).toFixed(2));
  let path = "";
  for (const [n, bin] of bins.entries()) {
    if (bin.firsts === 0) continue;
    const y = Number((97 - Math.min(1, rateOf(bin) / top) * 94).toFixed(1));
    const isBegun = (bins[n - 1]?.firsts ?? 0) > 0;
    path += `${isBegun ? `V${y}` : `M${x(n)} ${y}`}H${x(n + 1)}`;
  }
  return path;
}

const nothing: Bin = { firsts: 0, failed: 0 };

function binned(times: TimeRows, counts: RatedVersion["counts"]): Bin[] {
  const bins = times.starts.map(() => ({ ...nothing }));
  for (const { at, firsts, failed } of counts) {
    const bin = bins[rowAt(times, at) ?? -1];
    if (bin === undefined) continue;
    bin.firsts += firsts;
    bin.failed += failed;
  }
  return bins;
}

function rateOf({ firsts, failed }: Bin): number {
  return firsts === 0 ? 0 : failed / firsts;
}

function named(version: string): string {
  return version === "" ? "no version" : version;
}
