import type { Component } from "../../shared/domain/routing/component.ts";
import type { Row, RowKey } from "../../shared/domain/routing/routing-change.ts";
import { UnreadableRow } from "../../shared/domain/routing/unreadable-row.ts";
import { aPin, aSubjectRow } from "../support/builders.ts";
import type { memoryRoutingTable, Rows } from "../support/memory-routing-table.ts";
import { between } from "./chance.ts";
import type { Committed, RoutingState } from "./history.ts";
import { components, type Damage, type Operation, type Scenario } from "./scenario.ts";
import type { Surroundings } from "./simulated-process.ts";

/** Registers the components, then changes the routing as planned, and notes what it was told and when. */
export function simulatedOperator(
  { time, chance }: Surroundings,
  { put }: ReturnType<typeof memoryRoutingTable>,
  { operations, damages }: Scenario,
  commits: Committed[],
): void {
  const start = time.now();
  let routing: RoutingState = {
    pins: new Map(),
    aliases: new Map(["stable", "beta", "branch"].map((alias) => [alias, "usable"])),
    allStable: false,
    damaged: new Set(),
  };
  const damaged = new Map<string, UnreadableRow>();
  const revision = put(componentRows(routing));
  commits.push({ revision, at: start, toldAt: start, what: "components applied", routing });

  /** A change of these rows; one that is damaged stays so. */
  function commit(rows: Rows, what: string): void {
    const stored = Object.entries(rows).map(([key, row]) => [key, damaged.get(key) ?? row]);
    const committed: Committed = { revision: put(Object.fromEntries(stored)), at: time.now(), what, routing };
    commits.push(committed);
    time.at(time.now() + between(chance(`told of ${committed.revision}`), 1, 30), () => {
      committed.toldAt = time.now();
    });
  }

  for (const operation of operations) {
    time.at(start + operation.at, () => {
      routing = after(routing, operation);
      commit(rowsOf(operation, routing), told(operation));
    });
  }
  damages.forEach((damage, index) => {
    const key = damagedKey(damage);
    time.at(start + damage.from, () => {
      damaged.set(key, new UnreadableRow(`damage ${index}`, damagedText(damage)));
      routing = { ...routing, damaged: new Set(damaged.keys()) };
      commit({ [key]: null }, `${key} damaged`);
    });
    time.at(start + damage.to, () => {
      // Another damage of the same row may have begun since, and lasts.
      if (damaged.get(key)?.problem !== `damage ${index}`) return;
      damaged.delete(key);
      routing = { ...routing, damaged: new Set(damaged.keys()) };
      commit(soundRow(damage, routing), `${key} repaired`);
    });
  });
}

function damagedKey(damage: Damage): RowKey {
  if (damage.kind === "component") return `component#${damage.component}`;
  return damage.kind === "source" ? "source#shop" : `project#${projectOf(damage)}`;
}

function damagedText(damage: Damage): string {
  if (damage.kind !== "component" || !damage.hasPattern) return "{";
  return JSON.stringify({ pattern: components.find(({ name }) => name === damage.component)?.pattern });
}

function soundRow(damage: Damage, routing: RoutingState): Rows {
  const key = damagedKey(damage);
  if (damage.kind === "component") return { [key]: componentRows(routing)[key] ?? null };
  return damage.kind === "source" ? { [key]: null } : pinRows(damage, routing);
}

/** The alias that a project's events have to go to: a pin's, if it can be had, else the default. */
export function aliasIn({ pins, aliases, allStable }: RoutingState, project: string): string {
  const pinned = allStable ? undefined : pins.get(project);
  return pinned !== undefined && aliases.get(pinned) === "usable" ? pinned : "stable";
}

function after(routing: RoutingState, operation: Operation): RoutingState {
  const pins = new Map(routing.pins);
  const aliases = new Map(routing.aliases);
  switch (operation.kind) {
    case "pin":
      pins.set(projectOf(operation), operation.alias);
      break;
    case "unpin":
      pins.delete(projectOf(operation));
      break;
    case "retire alias":
      aliases.set(operation.alias, "retired");
      break;
    case "remove alias":
      aliases.delete(operation.alias);
      break;
    case "restore alias":
      aliases.set(operation.alias, "usable");
      break;
    case "all stable":
      return { ...routing, allStable: operation.on };
  }
  return { ...routing, pins, aliases };
}

function rowsOf(operation: Operation, routing: RoutingState): { [key in RowKey]?: Row | null } {
  return operation.kind === "pin" || operation.kind === "unpin" ? pinRows(operation, routing) : componentRows(routing);
}

function pinRows(about: { project: number }, routing: RoutingState): { [key in RowKey]?: Row | null } {
  const alias = routing.pins.get(projectOf(about));
  const pins = alias === undefined ? {} : Object.fromEntries(components.map(({ name }) => [name, aPin({ alias })]));
  return { [`project#${projectOf(about)}`]: alias === undefined ? null : aSubjectRow({ pins }) };
}

function componentRows({ aliases, allStable }: RoutingState): { [key in RowKey]?: Row } {
  const entries = [...aliases].map(([alias, state]): [string, Component["aliases"][string]] => [
    alias,
    { target: { kind: "worker" }, ...(state === "retired" ? { retired: true } : {}) },
  ]);
  const stable = { who: "ada", why: "a test", at: "2026-11-20T10:00:00.000Z" };
  return Object.fromEntries(
    components.map((component) => [
      `component#${component.name}`,
      { ...component, aliases: Object.fromEntries(entries), ...(allStable ? { allStable: stable } : {}) },
    ]),
  );
}

function projectOf({ project }: { project: number }): string {
  return `project-${project}`;
}

function told(operation: Operation): string {
  switch (operation.kind) {
    case "pin":
      return `${projectOf(operation)} pinned to ${operation.alias}`;
    case "unpin":
      return `pin of ${projectOf(operation)} taken away`;
    case "all stable":
      return `all stable ${operation.on ? "on" : "off"}`;
    default:
      return `${operation.kind} ${operation.alias}`;
  }
}
