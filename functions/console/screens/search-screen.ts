import { html } from "hono/html";
import { isCalled } from "../../../shared/domain/deliveries/record-names.ts";
import { SubjectId, type SubjectKey, subjectLevels } from "../../../shared/domain/subject.ts";
import { read } from "../../../shared/domain/text/schema.ts";
import { splitKey } from "../../../shared/domain/text/split-key.ts";
import { readTime } from "../../../shared/domain/text/time-window.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { address, type Params } from "../page/address.ts";
import { dataTable } from "../page/data-table.ts";
import { instant, linkTo } from "../page/parts.ts";
import type { Html, Look, Page, Redirect } from "../screen.ts";

/** Where something that was searched for is to be seen. */
type Hit = { kind: string; name: string; screen: string; params: Params };

/** Events that are looked at for the beginning of an id, the newest first, and how far back they may lie. */
const MOST_LOOKED = 10_000;
const MOST_FOUND = 100;
const LOOK_BACK_MS = 7 * 86_400_000;

/** What was found, how far back was looked for it, and whether that is as far as ever. */
type FoundEvents = { hits: Hit[]; isAll: boolean; lookedTo: Date };

/** Each kind lists no more than so many. */
const MOST_HITS = 20;

/** Whatever goes by a name or begins with it. One alone is gone to; several are listed. */
export async function searchScreen({ installation, now, query }: Look): Promise<Page | Redirect> {
  const wanted = (query.get("q") ?? "").trim().replace(/…$/, "");
  if (wanted === "")
    return { title: "Search", body: html`<p>Type an id, a key, a customer, a component, or a revision.</p>` };
  const named = [
    ...(await componentHits(installation, wanted)),
    ...(await subjectHits(installation, wanted)),
    ...(await replayHits(installation, wanted)),
    ...(await revisionHits(installation, wanted)),
  ];
  const asked = readTime(query.get("to") ?? "");
  const to = asked.ok ? asked.value : new Date(now.getTime() + 1);
  const { hits, isAll, lookedTo } = await eventHits(installation, wanted, to, now);
  const all = [...named, ...hits];
  const [only] = all;
  if (only !== undefined && all.length === 1) return { to: address(only.screen, only.params) };
  const table = dataTable<Hit>(
    "What was found",
    [
      { title: "What", cell: ({ kind }) => kind },
      { title: "Name", isHeading: true, cell: ({ screen, params, name }) => linkTo(screen, params, name) },
    ],
    all,
    "Nothing goes by this name, or begins with it.",
  );
  const further = address("search", { q: wanted, to: lookedTo.toISOString() });
  const bounded = isAll
    ? ""
    : html`<p class="soft">Events were looked at back to ${instant(lookedTo)}. <a href="${further}">Look further back</a></p>`;
  return {
    title: `Search: ${wanted.slice(0, 100).toWellFormed()}`,
    ...(all.length === 0 && { status: 404 as const }),
    body: html`${table}${all.length === 0 ? unlisted(wanted) : ""}${bounded}`,
  };
}

/** Where somebody is to be seen whom only events know: nothing is listed by their name. */
function unlisted(wanted: string): Html | string {
  if (!read(SubjectId, wanted).ok) return "";
  const as = (level: "customer" | "project" | "user") => linkTo("customer", { [level]: wanted }, level);
  return html`<p>Whom the directory doesn't list is seen by their events: look at it as a ${as("customer")}, a ${as("project")} or a ${as("user")}.</p>`;
}

/** Components, their versions, and the releases that are under way or were last. */
async function componentHits({ routingTable, catalog }: Installation, wanted: string): Promise<Hit[]> {
  const { components } = await routingTable.components();
  const hits: Hit[] = [];
  for (const { name, release } of components) {
    if (name.startsWith(wanted)) hits.push({ kind: "component", name, screen: "component", params: { name } });
    if (release?.id.startsWith(wanted)) {
      hits.push({ kind: "release", name: release.id, screen: "release", params: { id: release.id } });
    }
    const versions = /^\d+$/.test(wanted) ? await catalog.versions(name).catch(() => []) : [];
    for (const { version } of versions.filter((one) => one.version === wanted)) {
      const params = { component: name, "executed-version": version };
      hits.push({ kind: "version", name: `${name} ${version}`, screen: "stream", params });
    }
  }
  return hits.slice(0, MOST_HITS);
}

/** Subjects of this very name, in the directory or as somebody's customer; no listing of all that begin so. */
async function subjectHits({ routingTable }: Installation, wanted: string): Promise<Hit[]> {
  const keys = subjectLevels.map((level): SubjectKey => `${level}#${wanted}`);
  const { rows } = await routingTable.rows(keys);
  return keys
    .filter((key) => rows.has(key))
    .map((key) => {
      const [level, id] = splitKey(key);
      return { kind: level, name: id, screen: "customer", params: { [level]: id } };
    });
}

async function replayHits({ replays }: Installation, wanted: string): Promise<Hit[]> {
  const replay = await replays.get(wanted);
  return replay === undefined ? [] : [{ kind: "replay", name: wanted, screen: "replay", params: { name: wanted } }];
}

async function revisionHits({ routingTable }: Installation, wanted: string): Promise<Hit[]> {
  if (!/^\d{1,15}$/.test(wanted)) return [];
  const revision = Number(wanted);
  const head = await routingTable.head();
  if (revision < 1 || revision > head) return [];
  return [{ kind: "revision", name: wanted, screen: "change", params: { revision } }];
}

/** Events of this very name; where there is none, those that begin so. */
async function eventHits({ events }: Installation, wanted: string, to: Date, now: Date): Promise<FoundEvents> {
  const window = { from: new Date(now.getTime() - LOOK_BACK_MS), to };
  const { records, from } = await events.named(wanted, window, now, { found: MOST_FOUND, looked: MOST_LOOKED });
  const byKey = new Map(records.toReversed().map((record) => [record.eventKey, record]));
  const hits = [...byKey.values()]
    .reverse()
    .slice(0, MOST_HITS)
    .map((record): Hit => {
      const { id, t0, detailType } = record;
      return { kind: "event", name: `${id} (${detailType})`, screen: "event", params: { id, at: t0.toISOString() } };
    });
  return { hits, isAll: from <= window.from || records.some((record) => isCalled(record, wanted)), lookedTo: from };
}
