import { html } from "hono/html";
import type { Html } from "../screen.ts";
import { picture } from "./picture.ts";

/** A rule in the order in which rules win, whom it is about, where it sends them, and at which address they are listed. */
export type RoutedGroup = { rule: string; who: string; alias: string; listed?: string };

/** Rows are so high, in pixels: labels and lines meet at their middle. The stylesheet says the same of `.routes li`. */
const ROW = 28;

/** Where each plan and cohort goes: rules on the left in the order in which they win, aliases with versions on the right. */
export function routesPicture(
  id: string,
  groups: readonly RoutedGroup[],
  versions: ReadonlyMap<string, string | null>,
): Html {
  const aliases = [...new Set(groups.map(({ alias }) => alias))];
  const height = Math.max(groups.length, aliases.length) * ROW;
  const middle = (row: number, of: number) => Number(((row + 0.5) * ROW + (height - of * ROW) / 2).toFixed(1));
  const lines = groups.map(({ alias }, n) => {
    const from = middle(n, groups.length);
    const to = middle(aliases.indexOf(alias), aliases.length);
    const name = `route-line route-${aliases.indexOf(alias) % 6}`;
    return html`<path class="${name}" vector-effect="non-scaling-stroke" d="M0 ${from}C50 ${from} 50 ${to} 100 ${to}"/>`;
  });
  return picture({
    id,
    title: "Where each goes, the first that applies wins",
    nothing: "No rules: there is nobody to send anywhere.",
    drawing:
      groups.length === 0
        ? undefined
        : html`<div class="routes"><ol>${groups.map(({ rule, who, listed }) => html`<li><span class="soft">${rule}</span> ${listed === undefined ? who : html`<a href="${listed}">${who}</a>`}</li>`)}</ol>
<svg width="100%" height="${height}" viewBox="0 0 100 ${height}" preserveAspectRatio="none" aria-hidden="true">${lines}</svg>
<ul>${aliases.map((alias) => html`<li><b>${alias}</b> ${versionText(versions.get(alias))}</li>`)}</ul></div>`,
    table: {
      head: ["rule", "who", "alias", "version"],
      rows: groups.map(({ rule, who, alias }) => [rule, who, alias, versionText(versions.get(alias))]),
    },
  });
}

function versionText(version: string | null | undefined): string {
  return version ?? "no version";
}
