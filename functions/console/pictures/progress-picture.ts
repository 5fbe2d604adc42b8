import { html } from "hono/html";
import type { ReplayCounts } from "../../../shared/domain/replays/replay.ts";
import { skippedInAll } from "../../../shared/domain/replays/replay-counts.ts";
import type { Html } from "../screen.ts";
import { percentText } from "./figure-text.ts";
import { along } from "./picture.ts";

const HEIGHT = 12;

/**
 * How far a replay is, as a bar of what it has sent, with the same numbers beneath it.
 * @param planned how many it is to send
 * @param isEnded what isn't sent by now, is sent no more
 */
export function progressPicture(id: string, counts: ReplayCounts, planned: number, isEnded: boolean): Html {
  const { sent, done, dead, open } = counts;
  const total = Math.max(planned, sent);
  const parts = [
    { name: "done", count: done, about: "delivered" },
    { name: "dead", count: dead, about: "given up" },
    { name: "open", count: open, about: "on their way" },
    { name: "ahead", count: Math.max(0, total - done - dead - open), about: isEnded ? "not sent" : "not sent yet" },
  ];
  const skipped = skippedInAll(counts);
  const told = total === 0 ? "nothing to send" : `${percentText(sent, total)} sent: ${sent} of ${total}`;
  let at = 0;
  const drawn = parts.map(({ name, count }) => {
    if (count <= 0 || total === 0) return "";
    const x = along(at / total);
    at += count;
    return html`<rect class="part-${name}" x="${x}" width="${along(count / total)}" y="0" height="${HEIGHT}"/>`;
  });
  return html`<figure class="picture" id="${id}"><figcaption>${told}</figcaption>
<svg class="progress" width="100%" height="${HEIGHT}" role="img" aria-label="${told}">
<rect class="part-ahead" x="0" y="0" width="100%" height="${HEIGHT}"/>${drawn}</svg>
<dl class="legend">${parts.map(({ name, count, about }) => html`<div><dt><span class="key key-${name}"></span>${about}</dt><dd>${count}</dd></div>`)}<div><dt>skipped</dt><dd>${skipped}</dd></div></dl></figure>`;
}
