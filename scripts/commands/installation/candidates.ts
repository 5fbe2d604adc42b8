import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command, Option } from "commander";
import { askedStatuses } from "../../../shared/domain/deliveries/event-outcome.ts";
import { becauses } from "../../../shared/domain/routing/decide-route.ts";
import { type SubjectLevel, subjectLevels } from "../../../shared/domain/subject.ts";
import { environmentName } from "../../../shared/installation/wording/environment-name.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { embeddedSettings } from "../../../shared/settings.ts";
import { registerOf } from "../rules/cohort-register.ts";
import { withInstallation } from "../terminal/context.ts";

/** Gives a command its options and subcommands, which it has only once it is used. */
export type DefineCommand = (command: Command) => Promise<void>;

/** Most subjects that are named: a shell shows them all at once. */
const MOST_SUBJECTS = 100;

/** What the last of these words may be, or may become. Nothing where a shell's own completion, of files, knows better. */
export async function candidates(
  program: Command,
  words: readonly string[],
  defineCommand: DefineCommand,
): Promise<string[]> {
  const before = words.slice(0, -1);
  const typed = words.at(-1) ?? "";
  let command = program;
  let option: Option | undefined;
  const given: string[] = [];
  for (const word of before) {
    const wasValue = option !== undefined;
    option = undefined;
    if (wasValue) continue;
    const named = command.options.find(({ long, short }) => word === long || word === short);
    if (named !== undefined) {
      if (named.required || named.optional) option = named;
      continue;
    }
    const subcommand = command.commands.find((one) => one.name() === word);
    if (subcommand === undefined) given.push(word);
    else {
      if (command === program) await defineCommand(subcommand);
      command = subcommand;
    }
  }
  const all =
    option === undefined ? await namesFor(command, given, typed) : await valuesOf(nameOfValue(option), given, typed);
  return [...new Set(all)].filter((one) => one.startsWith(typed)).sort();
}

/** Options where one begins, and else subcommands, or what the next argument may be. */
async function namesFor(command: Command, given: readonly string[], typed: string): Promise<string[]> {
  if (typed.startsWith("-")) return [...command.options.flatMap(({ long }) => long ?? []), "--help"];
  const subcommands = command.commands.map((one) => one.name());
  if (subcommands.length > 0 && given.length === 0) return subcommands;
  const argument = command.registeredArguments[given.length];
  return argument === undefined ? [] : valuesOf(argument.name(), given, typed);
}

/** `component` of `--component <name>`, and `alias` of `--to <alias>`. */
function nameOfValue({ long = "", flags }: Option): string {
  const named = /<([a-z]+)/.exec(flags)?.[1] ?? "";
  return named === "alias" || named === "cohort" ? named : long.slice(2);
}

async function valuesOf(what: string, given: readonly string[], typed: string): Promise<string[]> {
  if (what === "status") return [...askedStatuses];
  if (what === "because") return [...becauses];
  if (what === "level") return [...subjectLevels];
  if (what === "shell") return ["bash", "zsh", "fish"];
  const isLevel = subjectLevels.some((level) => level === what);
  if (!isLevel && !["component", "alias", "cohort"].includes(what)) return [];
  // Asking AWS would keep whoever pressed the key waiting.
  const isHere = environmentName() === undefined && existsSync(join(embeddedSettings(process.env).home, "state.db"));
  if (!isHere) return [];
  return withInstallation(async ({ routingTable }) => {
    if (isLevel) return subjectsOf(routingTable, what as SubjectLevel, typed);
    if (what === "cohort") return Object.keys(await registerOf(routingTable));
    const { components } = await routingTable.components();
    if (what === "component") return components.map(({ name }) => name);
    const named = components.filter(({ name }) => given.includes(name));
    return (named.length > 0 ? named : components).flatMap(({ aliases }) => Object.keys(aliases));
  });
}

async function subjectsOf(table: RoutingTable, level: SubjectLevel, typed: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of table.subjects(level)) {
    if (!id.startsWith(typed)) continue;
    found.push(id);
    if (found.length === MOST_SUBJECTS) break;
  }
  return found;
}
