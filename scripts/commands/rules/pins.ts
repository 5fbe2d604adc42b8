import type { Command } from "commander";
import { ComponentNotFound } from "../../../shared/domain/errors.ts";
import { outsidePeriod } from "../../../shared/domain/routing/period.ts";
import type { Pin } from "../../../shared/domain/routing/pin.ts";
import { type SubjectLevel, subjectLevels } from "../../../shared/domain/subject.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { withInstallation } from "../terminal/context.ts";
import { readOrNote } from "../terminal/note-unread.ts";
import { type JsonOption, jsonOption, usage } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { repeated } from "../terminal/repeated-option.ts";
import { type Column, printTable } from "../terminal/table.ts";

type PinsOptions = JsonOption & { component?: string[]; level?: SubjectLevel[] };
type ListedPin = { level: SubjectLevel; id: string; component: string; pin: Pin; outside: string | undefined };

export function define(command: Command): void {
  repeated(command, "--component <name>", "only pins of this component", String);
  repeated(command, "--level <level>", `only pins at this level: ${subjectLevels.join(", ")}`, levelNamed);
  command.addHelpText(
    "after",
    `
Example:
  $ turnout pins --component release-coordinator --level customer
`,
  );
  jsonOption(command).action(list);
}

async function list({ component, level, json }: PinsOptions): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const { components } = await routingTable.components();
    const names = components.map(({ name }) => name);
    const pins: ListedPin[] = [];
    for (const each of subjectLevels.filter((one) => level?.includes(one) ?? true)) {
      pins.push(...(await pinsAt(routingTable, each, component, new Date())));
    }
    // Pins may outlive their component; one that never was is misspelt.
    const misspelt = pins.length === 0 ? component?.find((name) => !names.includes(name)) : undefined;
    if (misspelt !== undefined) throw new ComponentNotFound(misspelt, names);
    if (json) for (const pin of pins) printJson(toJson(pin));
    else if (pins.length === 0) note("no pins");
    else printTable(COLUMNS, pins);
  });
}

function levelNamed(text: string): SubjectLevel {
  const known = subjectLevels.find((level) => level === text);
  if (known !== undefined) return known;
  throw usage(`--level: there is no '${text}'; there are ${subjectLevels.join(", ")}.`);
}

async function pinsAt(table: RoutingTable, level: SubjectLevel, wanted: readonly string[] | undefined, now: Date) {
  const pins: ListedPin[] = [];
  for await (const { id, row } of table.subjects(level)) {
    for (const [component, pin] of Object.entries(readOrNote(`${level}#${id}`, row)?.pins ?? {})) {
      if (wanted?.includes(component) === false) continue;
      pins.push({ level, id, component, pin, outside: outsidePeriod(pin, now) });
    }
  }
  return pins;
}

const COLUMNS: Column<ListedPin>[] = [
  { title: "LEVEL", text: ({ level }) => level },
  { title: "ID", text: ({ id }) => id, least: 12 },
  { title: "COMPONENT", text: ({ component }) => component, least: 9 },
  { title: "ALIAS", text: ({ pin }) => pin.alias, least: 6 },
  { title: "WHO", text: ({ pin }) => pin.who, least: 6 },
  { title: "WHEN", text: ({ pin }) => minute(pin.at) },
  {
    title: "UNTIL",
    text: ({ pin, outside }) => (outside === undefined ? pin.until && minute(pin.until) : outsideText(outside)),
    style: ({ outside }) => (outside === undefined ? undefined : "yellow"),
  },
  { title: "WHY", text: ({ pin }) => pin.why, least: 10 },
];

function toJson({ level, id, component, pin, outside }: ListedPin) {
  const { alias, who, why, at, from = null, until = null } = pin;
  return { level, id, component, alias, who, why, at, from, until, expired: outside?.startsWith("expired") ?? false };
}

function minute(instant: string): string {
  return `${instant.slice(0, 16)}Z`;
}

/** `expired 2026-11-20T10:00:00.000Z`, to the minute. */
function outsideText(outside: string): string {
  return outside.replace(/:\d\d\.\d{3}Z$/, "Z");
}
