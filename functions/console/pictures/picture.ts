import { html } from "hono/html";
import type { Html } from "../screen.ts";

/** What a picture shows, for whoever can't see it: told in rows. */
export type TableOfPicture = { head: readonly string[]; rows: readonly (readonly (string | number)[])[] };

export type Picture = {
  /** Of the page's own, so that a table that was opened stays open when the page moves. */
  id: string;
  title: string;
  /** In place of a drawing where there is nothing to draw. */
  drawing: Html | undefined;
  /** What is said where there is no drawing. */
  nothing: string;
  /** Beneath the drawing, e.g. where its axis begins and ends. */
  note?: Html | string;
  table: TableOfPicture;
};

/** A drawing with its title, and the same as a table beside it. */
export function picture({ id, title, drawing, nothing, note, table }: Picture): Html {
  if (drawing === undefined) {
    return html`<figure class="picture" id="${id}"><figcaption>${title}</figcaption><p class="soft">${nothing}</p></figure>`;
  }
  return html`<figure class="picture" id="${id}">
<figcaption>${title}</figcaption>
${drawing}
${note === undefined ? "" : html`<p class="soft">${note}</p>`}
<details id="${id}-table"><summary>As a table</summary>${tableOf(title, table)}</details>
</figure>`;
}

function tableOf(title: string, { head, rows }: TableOfPicture): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table>
<thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    (cells) =>
      html`<tr>${cells.map((cell, n) => (n === 0 ? html`<th scope="row">${cell}</th>` : html`<td class="number">${cell}</td>`))}</tr>
`,
  )}</tbody></table></div>`;
}

/** A length along the picture, whose own width nobody knows: `12.5%`. Never below nothing, and never more than all. */
export function along(part: number): string {
  const percent = Number.isFinite(part) ? Math.min(Math.max(part, 0), 1) * 100 : 0;
  return `${Number(percent.toFixed(2))}%`;
}

/** A length in pixels, of `most`: nothing stays nothing, and what is there can be seen. */
export function pixels(part: number, most: number): number {
  if (!Number.isFinite(part) || part <= 0) return 0;
  return Number(Math.max(1, Math.min(part, 1) * most).toFixed(1));
}
