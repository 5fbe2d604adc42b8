import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startPreviewServer } from "../../functions/samples/preview-server/preview-server.ts";
import { handlerOf, releaserIds } from "../../functions/samples/releaser/releaser.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import { readable } from "../../shared/domain/routing/unreadable-row.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { moveAlias } from "../../shared/flows/versions/move-alias.ts";

const SAMPLES = fileURLToPath(new URL("../../functions/samples", import.meta.url));
const SET_UP = { who: "turnout", why: "the samples' set-up", command: "npm start -- --all-samples" };

/** The components beside the release coordinator. */
export const MORE_SAMPLES = ["builder", "preview-server", "releaser"] as const;

/** Task definitions of the builder by the alias that begins with them. */
const DEFINITIONS = { stable: "builder:1", beta: "builder:2", experimental: "builder:3" };

const BUILDER_FILES = ["builder.ts", "event-of-task.ts", "runtime-events.ts", "package.json"];

/** Which releaser stands in which project's row. The others have the first. */
const RELEASERS: Record<string, string> = {
  "acme/site": "releaser-03",
  "acme/api": "releaser-07",
  "globex/shop": "releaser-13",
  "initech/tps": "releaser-05",
};

const gitHub = (...types: string[]) => ({ source: ["github.com"], "detail-type": types });

export type MoreSamples = { previews: Awaited<ReturnType<typeof startPreviewServer>> };

/**
 * Starts the preview server and sets up the builder, the preview server and the releasers, as far as they aren't there:
 * an operator's pins survive a restart. Only the URLs are set anew, since the server has another port.
 */
export async function startMoreSamples(
  state: EmbeddedState,
  now: () => Date,
  newId: () => string,
): Promise<MoreSamples> {
  const previews = await startPreviewServer();
  const change = (edit: RoutingEdit) =>
    changeRoutes(state.routingTable, { edit, changeId: newId(), ...SET_UP, at: now() });
  const isThere = async (name: string) => {
    const { rows } = await state.routingTable.rows([`component#${name}`]);
    return readable(rows.get(`component#${name}`)) !== undefined;
  };
  const publish = publisherOf(state, now, newId);

  if (!(await isThere("builder"))) {
    for (const [alias, definition] of Object.entries(DEFINITIONS)) {
      await withBuilder(definition, (source) => publish("builder", alias, { source }));
    }
    const worker = {
      concurrency: 2,
      memoryMb: 512,
      environment: { BUILDER_STATE: join(state.home, "samples/builder") },
    };
    const aliases = { stable: {}, beta: {}, experimental: {} };
    await change(applied({ name: "builder", pattern: gitHub("push"), aliases, worker }));
    await change(pinned("builder", "customer", "globex", "beta", now()));
    await change(pinned("builder", "project", "umbrella/lab", "experimental", now()));
  }

  const isNew = !(await isThere("preview-server"));
  const target = (url: string) => ({ target: { kind: "http", url, private: true } });
  const aliases = { stable: target(previews.urls.stable), beta: target(previews.urls.beta) };
  await change(applied({ name: "preview-server", pattern: gitHub("deployment_status", "deployment"), aliases }));
  if (isNew) await change(pinned("preview-server", "customer", "globex", "beta", now()));

  if (!(await isThere("releaser"))) {
    const source = join(SAMPLES, "releaser");
    for (const id of releaserIds) await publish("releaser", id, { source, handler: `releaser.by.${handlerOf(id)}` });
    const [first = ""] = releaserIds;
    const ids = Object.fromEntries(releaserIds.map((id) => [id, {}]));
    const worker = { environment: { RELEASER_STATE: join(state.home, "samples/releaser") } };
    const rules = { defaultAlias: first, fallbackAlias: first };
    await change(applied({ name: "releaser", pattern: gitHub("release"), aliases: ids, worker, ...rules }));
    for (const [project, id] of Object.entries(RELEASERS)) {
      await change(pinned("releaser", "project", project, id, now()));
    }
  }
  return { previews };
}

function publisherOf(state: EmbeddedState, now: () => Date, newId: () => string) {
  const ports = { table: state.routingTable, events: state.events, catalog: state.catalog, newId };
  return async (component: string, alias: string, code: { source: string; handler?: string }): Promise<void> => {
    const { version } = await state.catalog.publish({
      component,
      ...code,
      description: `sample, ${alias}`,
      now: now(),
    });
    const move = { component, alias, from: null, to: version.version };
    await moveAlias(ports, { ...SET_UP, move, kind: "publish", at: now() });
  };
}

/** A folder with the builder and a `version.json` that starts it as this task definition. */
async function withBuilder(definition: string, use: (source: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "turnout-builder-"));
  try {
    for (const file of BUILDER_FILES) copyFileSync(join(SAMPLES, "builder", file), join(folder, file));
    writeFileSync(
      join(folder, "version.json"),
      JSON.stringify({ command: [process.execPath, "builder.ts", definition] }),
    );
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function applied(component: object): RoutingEdit {
  return { kind: "apply component", component: Component.parse(component) };
}

function pinned(component: string, level: "project" | "customer", id: string, alias: string, at: Date): RoutingEdit {
  const pin = { alias, who: SET_UP.who, why: SET_UP.why, at: at.toISOString() };
  const until = alias === "experimental" ? { until: new Date(at.getTime() + 90 * 86_400_000).toISOString() } : {};
  return { kind: "pin", level, id, component, pin: { ...pin, ...until } };
}
