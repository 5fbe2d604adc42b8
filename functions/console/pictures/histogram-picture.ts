import { html } from "hono/html";
import { rowAt, rowText, stepText, timeRows } from "../../../shared/domain/text/time-rows.ts";
import type { TimeWindow } from "../../../shared/domain/text/time-window.ts";
import type { Html } from "../screen.ts";
import { along, picture, pixels } from "./picture.ts";

const MOST_BARS = 60;
const HEIGHT = 56;

/** What a replay matches, by when it arrived. */
export function histogramPicture(id: string, window: TimeWindow, perMinute: ReadonlyMap<number, number>): Html {
  const times = timeRows(window, MOST_BARS);
  const rows = times.starts.map(() => 0);
  for (const [minuteMs, count] of perMinute) {
    const row = rowAt(times, new Date(minuteMs));
    if (row !== undefined) rows[row] = (rows[row] ?? 0) + count;
  }
  const most = Math.max(0, ...rows);
  const sum = rows.reduce((a, b) => a + b, 0);
  const bars = rows.map((count, n) => {
    const height = pixels(count / most, HEIGHT);
    if (height === 0) return "";
    const x = along((n + 0.08) / rows.length);
    const y = Number((HEIGHT - height).toFixed(1));
    return html`<rect class="bar" x="${x}" width="${along(0.84 / rows.length)}" y="${y}" height="${height}"/>`;
  });
  const unit = stepText(times);
  return picture({
    id,
    title: `Matched per ${unit}`,
    nothing: "Nothing in this window matches.",
    drawing:
      sum === 0
        ? undefined
        : html`<svg width="100%" height="${HEIGHT + 1}" role="img" aria-label="${sum} matched, at most ${most} per ${unit}">
${bars}<line class="axis" x1="0" x2="100%" y1="${HEIGHT + 0.5}" y2="${HEIGHT + 0.5}"/></svg>`,
    note: `${rowText(times, 0)} to ${rowText(times, rows.length - 1)} UTC, at most ${most} per ${unit}`,
    table: { head: [`${unit} from`, "matched"], rows: rows.map((count, n) => [rowText(times, n), count]) },
  });
}
