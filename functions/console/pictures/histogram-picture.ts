import { html } from "hono/html";
import { type MatchedRows, timesOf } from "../../../shared/domain/replays/matched-rows.ts";
import { rowText, stepText } from "../../../shared/domain/text/time-rows.ts";
import type { Html } from "../screen.ts";
import { along, picture, pixels } from "./picture.ts";

const MINUTE_MS = 60_000;
const HEIGHT = 56;

/**
 * What a replay matches, by when it arrived.
 * @param goneTo up to when it has gone through that; left out of a plan
 */
export function histogramPicture(id: string, matched: MatchedRows, goneTo?: Date | "all"): Html {
  const { counts: rows, step } = matched;
  const times = timesOf(matched);
  const most = Math.max(0, ...rows);
  const sum = rows.reduce((a, b) => a + b, 0);
  // A row is gone through once its end is; the last one ends with the window, and so with all.
  const isAhead = (n: number) =>
    goneTo instanceof Date && ((times.starts[n] ?? 0) + step) * MINUTE_MS > goneTo.getTime();
  const bars = rows.map((count, n) => {
    const height = pixels(count / most, HEIGHT);
    if (height === 0) return "";
    const x = along((n + 0.08) / rows.length);
    const y = Number((HEIGHT - height).toFixed(1));
    return html`<rect class="bar${isAhead(n) ? " bar-ahead" : ""}" x="${x}" width="${along(0.84 / rows.length)}" y="${y}" height="${height}"/>`;
  });
  const unit = stepText(times);
  const gone = goneTo === undefined ? [] : rows.filter((_, n) => !isAhead(n));
  const told = goneTo === undefined ? "" : `, ${gone.reduce((a, b) => a + b, 0)} of them gone through`;
  return picture({
    id,
    title: `Matched per ${unit}`,
    nothing: "Nothing in this window matches.",
    drawing:
      sum === 0
        ? undefined
        : html`<svg width="100%" height="${HEIGHT + 1}" role="img" aria-label="${sum} matched${told}, at most ${most} per ${unit}">
${bars}<line class="axis" x1="0" x2="100%" y1="${HEIGHT + 0.5}" y2="${HEIGHT + 0.5}"/></svg>`,
    note: `${rowText(times, 0)} to ${rowText(times, rows.length - 1)} UTC, at most ${most} per ${unit}${told}`,
    table: {
      head: [`${unit} from`, "matched", ...(goneTo === undefined ? [] : ["gone through"])],
      rows: rows.map((count, n) => [
        rowText(times, n),
        count,
        ...(goneTo === undefined ? [] : [isAhead(n) ? "not yet" : "yes"]),
      ]),
    },
  });
}
