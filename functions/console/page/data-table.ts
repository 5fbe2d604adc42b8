import { html } from "hono/html";
import type { Html } from "../screen.ts";

export type DataColumn<T> = {
  title: string;
  cell: (row: T) => Html | string | number | undefined;
  /** Figures stand to the right. */
  isNumber?: boolean;
  /** Names the row; a table has one. */
  isHeading?: boolean;
};

/**
 * Rows with a line each. On a narrow screen the table scrolls by itself, and the page stands still.
 * @param caption what the table holds, for who can't see where it stands
 * @param none what is said where there is no row
 */
export function dataTable<T>(
  caption: string,
  columns: readonly DataColumn<T>[],
  rows: readonly T[],
  none: string,
  /** What an element is known by when the page is asked for again: without, rows that move are written anew. */
  rowId?: (row: T) => string,
): Html {
  if (rows.length === 0) return html`<p class="none">${none}</p>`;
  const kind = ({ isNumber }: DataColumn<T>) => (isNumber ? "number" : "");
  const cell = (row: T, column: DataColumn<T>) =>
    column.isHeading
      ? html`<th scope="row" class="${kind(column)}">${column.cell(row)}</th>`
      : html`<td class="${kind(column)}">${column.cell(row)}</td>`;
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption class="unseen">${caption}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col" class="${kind(column)}">${column.title}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (
    row,
  ) => html`<tr${rowId === undefined ? "" : html` id="${rowId(row)}"`}>${columns.map((column) => cell(row, column))}</tr>
`,
)}</tbody>
</table></div>`;
}
