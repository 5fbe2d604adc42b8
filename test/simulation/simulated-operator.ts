import type { Component } from "../../shared/domain/routing/component.ts";
import type { Row, RowKey } from "../../shared/domain/routing/routing-change.ts";
import { aPin, aSubjectRow } from "../support/builders.ts";
import type { memoryRoutingTable } from "../support/memory-routing-table.ts";
import { between } from "./chance.ts";
import type { Committed, RoutingState } from "./history.ts";
import { components, type Operation, type Scenario } from "./scenario.ts";
import type { Surroundings } from "./simulated-process.ts";

/** Registers the components, then changes the routing as planned, and notes what it was told and when. */
export function simulatedOperator(
  { time, chance }: Surroundings,
  { put }: ReturnType<typeof memoryRoutingTable>,
  { operations }: Scenario,
  commits: Committed[],
): void {
  const start = time.now();
  let routing: RoutingState = {
    pins: new Map(),
    aliases: new Map(["stable", "beta", "branch"].map((alias) => [alias, "usable"])),
    allStable: false,
  };
  const revision = put(componentRows(routing));
  commits.push({ revision, at: start, toldAt: start, what: "components applied", routing });

  for (const operation of operations) {
    time.at(start + operation.at, () => {
      routing = after(routing, operation);
      const committed: Committed = {
        revision: put(rowsOf(operation, routing)),
        at: time.now(),
        what: told(operation),
        routing,
      };
      commits.push(committed);
      time.at(time.now() + between(chance(`told of ${committed.revision}`), 1, 30), () => {
        committed.toldAt = time.now();
      });
    });
  }
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
  if (operation.kind !== "pin" && operation.kind !== "unpin") return componentRows(routing);
  const alias = routing.pins.get(projectOf(operation));
  const pins = alias === undefined ? {} : Object.fromEntries(components.map(({ name }) => [name, aPin({ alias })]));
  return { [`project#${projectOf(operation)}`]: alias === undefined ? null : aSubjectRow({ pins }) };
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
