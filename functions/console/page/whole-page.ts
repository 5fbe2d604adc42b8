import { html } from "hono/html";
import { printable } from "../../../shared/domain/text/printable.ts";
import type { Visitor } from "../access/role.ts";
import type { Html, Page, Section } from "../screen.ts";
import { address, CONSOLE } from "./address.ts";
import { foreignText } from "./parts.ts";

const nav: [Section, string, string][] = [
  ["overview", "", "Overview"],
  ["stream", "stream", "Stream"],
  ["customers", "customers", "Customers"],
  ["failures", "failures", "Failures"],
  ["changes", "changes", "Changes"],
  ["releases", "releases", "Releases"],
  ["replays", "replays", "Replays"],
];

export type Frame = {
  /** What is worked on, e.g. `this machine` or `prod`. */
  where: string;
  visitor?: Visitor;
  /** What was searched for. */
  searched?: string;
  /** The addresses of the style sheet and the scripts, with what tells one release's from another's. */
  assets: { style: string; icon: string; scripts: readonly string[] };
};

/** The whole document of a page. */
export function wholePage(page: Page, { where, visitor, searched = "", assets }: Frame): Html {
  const { title, section, above, body, live } = page;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${printable(title)} · Turnout ${where}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${assets.icon}">
<link rel="stylesheet" href="${assets.style}">
${assets.scripts.map((script) => html`<script defer src="${script}"></script>`)}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<a class="home" href="${CONSOLE}"><b>Turnout</b> <span>${where}</span></a>
${visitor && navigation(section)}
${visitor && searchBox(searched)}
${visitor && html`<p class="visitor"><bdi>${visitor.name}</bdi> <span>${visitor.role}</span></p>`}
</header>
<p id="lost" role="status" hidden></p>
<main id="main" tabindex="-1">
<h1>${foreignText(title)}</h1>
${above}
${live ? html`<div id="live">${body}</div>` : body}
</main>
</body>
</html>
`;
}

function navigation(current: Section | undefined): Html {
  const link = ([section, screen, title]: (typeof nav)[number]) =>
    section === current
      ? html`<li><a href="${address(screen)}" aria-current="page">${title}</a></li>`
      : html`<li><a href="${address(screen)}">${title}</a></li>`;
  return html`<nav aria-label="Screens"><ul>${nav.map(link)}</ul></nav>`;
}

function searchBox(searched: string): Html {
  return html`<form class="search" role="search" action="${address("search")}">
<label class="unseen" for="search">Search</label>
<input id="search" name="q" type="search" value="${searched}" maxlength="512" placeholder="event, customer, version …" autocomplete="off" spellcheck="false">
<button>Search</button>
</form>`;
}
