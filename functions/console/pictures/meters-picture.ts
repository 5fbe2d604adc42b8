import { html } from "hono/html";
import { oddsText } from "../../../shared/domain/health/evidence-words.ts";
import { ACT_AT, type GuardVerdict, type MetricVerdict, WARN_AT } from "../../../shared/domain/health/guard-verdict.ts";
import type { Html } from "../screen.ts";
import { percentText } from "./figure-text.ts";
import { along, picture } from "./picture.ts";

/** Where evidence counts, as powers of ten. */
export type Thresholds = { warnAt: number; actAt: number };

/** The scale ends here, or where the threshold is that one is to act at, and half of it again. */
const SCALE = 6;

const HEIGHT = 10;

const meters = [
  { letter: "A", about: "worse than stable now", of: ({ worseThanStable }: MetricVerdict) => worseThanStable },
  { letter: "B", about: "worse than before", of: ({ worseThanBefore }: MetricVerdict) => worseThanBefore },
];

/** Both meters of each thing that a guard looks at: it acts where both are past the second mark. */
export function metersPicture(id: string, { metrics }: Pick<GuardVerdict, "metrics">, at: Thresholds): Html {
  const rows = metrics.flatMap((metric) =>
    meters.map(({ letter, about, of }) => ({
      metric: metric.metric,
      level: metric.level,
      letter,
      about,
      evidence: of(metric),
    })),
  );
  return picture({
    id,
    title: "The guard's two meters",
    nothing: "The guard has not looked yet.",
    drawing:
      rows.length === 0
        ? undefined
        : html`<div class="meters">${rows.map(
            ({ metric, letter, about, evidence }) =>
              html`<div class="metered"><span>${metric} <b>${letter}</b> <span class="soft">${about}</span></span>
${meterDrawing(evidence, at, `${metric}, ${about}`)}<span class="number">${oddsText(evidence)}</span></div>`,
          )}</div>`,
    note: `Odds that it is not by chance. Marks at ${oddsText(at.warnAt)} (look at it) and ${oddsText(at.actAt)} (act, where both A and B are past it).`,
    table: {
      head: ["metric", "own", "stable's beside it", "the same subjects' before", "A", "B", "says"],
      rows: metrics.map((metric) => [
        metric.metric,
        triedText(metric.own),
        triedText(metric.stable),
        metric.before === undefined ? "not known" : triedText(metric.before),
        oddsText(metric.worseThanStable),
        oddsText(metric.worseThanBefore),
        metric.level,
      ]),
    },
  });
}

/** The same at a guard's own thresholds. */
export function guardMeters(id: string, verdict: Pick<GuardVerdict, "metrics">): Html {
  return metersPicture(id, verdict, { warnAt: WARN_AT, actAt: ACT_AT });
}

/** One meter by itself, small enough for a row of a table. Evidence for a version, below 10^0, is none against it. */
function meterDrawing(evidence: number | undefined, { warnAt, actAt }: Thresholds, about: string): Html {
  const scale = Math.max(SCALE, actAt * 1.5);
  const level = evidence === undefined || evidence < warnAt ? "ok" : evidence < actAt ? "warn" : "act";
  const mark = (at: number, name: string) =>
    html`<line class="mark-${name}" x1="${along(at / scale)}" x2="${along(at / scale)}" y1="0" y2="${HEIGHT}"/>`;
  return html`<svg class="meter" width="100%" height="${HEIGHT}" role="img" aria-label="${about}: ${oddsText(evidence)}">
<rect class="meter-scale" x="0" y="3" width="100%" height="4"/><rect class="meter-${level}" x="0" y="2" width="${along((evidence ?? 0) / scale)}" height="6"/>${mark(warnAt, "warn")}${mark(actAt, "act")}</svg>`;
}

function triedText({ tried, failed }: { tried: number; failed: number }): string {
  return `${failed} of ${tried}${tried === 0 ? "" : ` (${percentText(failed, tried)})`}`;
}
