import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sampleComponent, sampleDirectory, sampleEvents, samplePins } from "../../functions/samples/github-webhooks.ts";
import { EventSource } from "../../shared/domain/events/event.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { moveAlias, versionOf } from "../../shared/flows/versions/move-alias.ts";
import { MORE_SAMPLES } from "./more-samples.ts";

const SAMPLE_FOLDER = fileURLToPath(new URL("../../functions/samples/release-coordinator", import.meta.url));

/** The row that the set-up writes last: while it is missing, a set-up that was interrupted is done again. */
const SET_UP_LAST = "source#github.com";

/** Who it is in the change log, and why. */
const SET_UP = { who: "turnout", why: "the sample's set-up", command: "npm start" };

const DAY_MS = 86_400_000;

/**
 * Which samples are set up and sent events. A state that is new or the samples' has the first one, and the others once they
 * were asked for; one with other components is somebody's own, and left alone.
 */
export async function wantedSamples(state: EmbeddedState, asksForAll: boolean): Promise<"none" | "first" | "all"> {
  const { components } = await state.routingTable.components();
  const others = components.map(({ name }) => name).filter((name) => name !== sampleComponent.name);
  if (!others.every((name) => MORE_SAMPLES.some((sample) => sample === name))) return "none";
  return asksForAll || others.length > 0 ? "all" : "first";
}

/**
 * Sets up the sample component with its three versions, customers and pins. What is there already stays as it is, so
 * that an operator's pins survive a restart.
 */
export async function setUpSample(state: EmbeddedState, now: () => Date, newId: () => string): Promise<void> {
  const { rows } = await state.routingTable.rows([SET_UP_LAST]);
  if (rows.has(SET_UP_LAST)) return;
  const stateFolder = join(state.home, "samples");
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  await publishVersions(state, now, newId);
  for (const edit of sampleEdits(join(stateFolder, `${sampleComponent.name}.db`), now())) {
    await changeRoutes(state.routingTable, {
      edit,
      changeId: newId(),
      ...SET_UP,
      why: "pin" in edit ? edit.pin.why : SET_UP.why,
      at: now(),
    });
  }
}

async function publishVersions(state: EmbeddedState, now: () => Date, newId: () => string): Promise<void> {
  const { name, aliases } = sampleComponent;
  const ports = { table: state.routingTable, events: state.events, catalog: state.catalog, newId };
  const published = new Set((await state.catalog.versions(name)).map(({ version }) => version));
  for (const [alias, { version, handler }] of Object.entries(aliases)) {
    if (!published.has(version)) {
      const number = Number(version);
      const description = `sample, ${alias} at first`;
      await state.catalog.publish({ component: name, source: SAMPLE_FOLDER, handler, number, description, now: now() });
    }
  }
  // Every alias begins at the stable version, so that there is something to roll back to.
  const first = aliases.stable.version;
  for (const [alias, { version }] of Object.entries(aliases)) {
    for (const to of new Set([first, version])) {
      const from = await versionOf(state.catalog, { component: name, alias });
      if (from === version || from === to) continue;
      const move = { component: name, alias, from, to };
      await moveAlias(ports, { ...SET_UP, move, kind: "publish", at: now() });
    }
  }
}

function sampleEdits(stateFile: string, now: Date): RoutingEdit[] {
  const { name, pattern, aliases, sources, stateVariable } = sampleComponent;
  const component = Component.parse({
    name,
    pattern,
    aliases: Object.fromEntries(Object.keys(aliases).map((alias) => [alias, {}])),
    timeoutMs: 10_000,
    worker: { environment: { [stateVariable]: stateFile } },
  });
  const at = now.toISOString();
  const directory = [
    ...Object.entries(sampleDirectory.projects).map(
      ([project, { customer }]): RoutingEdit => ({ kind: "set customer", project, customer }),
    ),
    ...Object.entries(sampleDirectory.customers).map(
      ([customer, { plan }]): RoutingEdit => ({ kind: "set plan", customer, plan }),
    ),
  ];
  return [
    ...directory,
    { kind: "apply component", component },
    ...samplePins.map(
      ({ level, id, alias, reason: why, days }): RoutingEdit => ({
        kind: "pin",
        level,
        id,
        component: name,
        pin: {
          alias,
          who: "turnout",
          why,
          at,
          ...(days && { until: new Date(now.getTime() + days * DAY_MS).toISOString() }),
        },
      }),
    ),
    ...Object.entries(sources).map(
      ([source, paths]): RoutingEdit => ({ kind: "apply source", source: EventSource.parse({ source, ...paths }) }),
    ),
  ];
}

/** The sample's events in EventBridge's envelope. A run's own ids: GitHub, too, sends a new id with every delivery. */
export function sampleBodies(now: Date): string[] {
  return sampleEvents().map(({ id, source, detailType, detail }) =>
    JSON.stringify({
      version: "0",
      id: `${id}-${now.getTime().toString(36)}`,
      "detail-type": detailType,
      source,
      account: "000000000000",
      time: now.toISOString(),
      region: "local",
      resources: [],
      detail,
    }),
  );
}
