import { readFileSync } from "node:fs";
import { type Argument, Command, type Option } from "commander";
import { chooseEnvironment } from "../../shared/installation/wording/environment-name.ts";
import { complainInJson, complainLine } from "./terminal/complain.ts";
import { printLine } from "./terminal/output.ts";
import { refuseRepeated } from "./terminal/repeated-option.ts";
import { isRequired, refuseMissing } from "./terminal/required-option.ts";

/** @param defineCommand defines any other command, for who has to know them all */
type CommandModule = { define(command: Command, defineCommand: (command: Command) => Promise<void>): void };

/**
 * Every command with its summary, under the headings of the help; `Rules` are in the folder `rules`. A module is loaded when
 * its command is used: `--help` has to be quick.
 */
const commands: Record<string, Record<string, { summary: string; load: () => Promise<CommandModule> }>> = {
  Events: {
    publish: { summary: "publish events", load: () => import("./events/publish.ts") },
    events: { summary: "list what arrived and what became of it", load: () => import("./events/events.ts") },
    event: { summary: "show a stored event and its deliveries", load: () => import("./events/event.ts") },
    tail: { summary: "print what becomes of events, as it does", load: () => import("./events/tail.ts") },
    logs: { summary: "print what a component's versions print", load: () => import("./events/logs.ts") },
    health: { summary: "say how every version does, and what fails", load: () => import("./events/health.ts") },
    failures: {
      summary: "say what failures have in common, and what to do",
      load: () => import("./events/failures.ts"),
    },
    counts: { summary: "count attempts by version and outcome", load: () => import("./events/counts.ts") },
  },
  Explain: {
    explain: {
      summary: "say where an event of a subject would go, and why",
      load: () => import("./explain/explain.ts"),
    },
    who: { summary: "list who is on an alias, and why", load: () => import("./explain/who.ts") },
  },
  Replays: {
    replay: { summary: "deliver a window of events again", load: () => import("./replays/replay.ts") },
    undo: {
      summary: "roll an alias back, and finish what its version left",
      load: () => import("./replays/undo.ts"),
    },
  },
  Releases: {
    release: { summary: "bring a version to everybody, step by step", load: () => import("./releases/release.ts") },
  },
  Rules: {
    pin: { summary: "pin a user, project, customer or plan to an alias", load: () => import("./rules/pin.ts") },
    unpin: { summary: "take a pin away", load: () => import("./rules/unpin.ts") },
    pins: { summary: "list pins", load: () => import("./rules/pins.ts") },
    cohort: { summary: "name lists of projects and customers", load: () => import("./rules/cohort.ts") },
    "cohort-route": { summary: "send cohorts to aliases", load: () => import("./rules/cohort-route.ts") },
    rollout: { summary: "send a share of subjects to an alias", load: () => import("./rules/rollout.ts") },
    guard: { summary: "watch an alias's version, and take a bad one back", load: () => import("./rules/guard.ts") },
    "all-stable": {
      summary: "send everything of a component to its fallback",
      load: () => import("./rules/all-stable.ts"),
    },
  },
  Changes: {
    history: { summary: "list who changed the routing, when and why", load: () => import("./changes/history.ts") },
    revert: { summary: "put the rows of a change back to what they were", load: () => import("./changes/revert.ts") },
    export: { summary: "write the whole routing to a file", load: () => import("./changes/export.ts") },
    import: { summary: "make the routing what an exported file says", load: () => import("./changes/import.ts") },
    freeze: {
      summary: "stop every change but those that take something back",
      load: () => import("./changes/freeze.ts"),
    },
    unfreeze: { summary: "allow changes again", load: () => import("./changes/unfreeze.ts") },
    guardrails: { summary: "say what no change may exceed", load: () => import("./changes/guardrails.ts") },
  },
  Versions: {
    "publish-version": {
      summary: "publish a version and move an alias to it",
      load: () => import("./versions/publish-version.ts"),
    },
    versions: { summary: "list a component's versions", load: () => import("./versions/versions.ts") },
    aliases: { summary: "list a component's aliases", load: () => import("./versions/aliases.ts") },
    promote: { summary: "give an alias's version to another alias", load: () => import("./versions/promote.ts") },
    rollback: {
      summary: "point an alias at what was promoted there before",
      load: () => import("./versions/rollback.ts"),
    },
    alias: { summary: "move, add, retire and remove aliases", load: () => import("./versions/alias.ts") },
    listen: { summary: "run somebody's events on your own code", load: () => import("./versions/listen.ts") },
    gc: { summary: "delete the versions that nothing needs any more", load: () => import("./versions/gc.ts") },
  },
  Registry: {
    component: { summary: "apply, list, show and change components", load: () => import("./registry/component.ts") },
    source: { summary: "apply, list and show event sources", load: () => import("./registry/source.ts") },
    directory: { summary: "say whose projects and customers are whose", load: () => import("./registry/directory.ts") },
  },
  Installation: {
    backup: { summary: "write everything on this machine to one file", load: () => import("./installation/backup.ts") },
    console: {
      summary: "serve its pages, or make a token for a server's",
      load: () => import("./installation/console.ts"),
    },
    completion: {
      summary: "print what makes a shell complete commands",
      load: () => import("./installation/completion.ts"),
    },
    restore: { summary: "make a state folder of a backup", load: () => import("./installation/restore.ts") },
    doctor: {
      summary: "look whether everything is in order, and say what to do",
      load: () => import("./installation/doctor.ts"),
    },
  },
};

const FOOTER = `
  -V, --version as the only argument prints the version.

Environment:
  TURNOUT_HOME         the state folder (default: .turnout in this folder)
  TURNOUT_ENV          what --env says
  TURNOUT_APPLICATION  on AWS, the first part of an environment's names
                       (default: turnout)
  AWS_PROFILE, AWS_REGION and all else that the AWS SDK reads
  TURNOUT_DEBUG        1 prints the stack of an error
  NO_COLOR             no colours

Exit codes:
  0 ok, 1 failed, 2 usage, 3 not found, 4 not allowed, 5 conflict,
  6 needs confirmation, 7 partly done, 130 interrupted
  With --json an error is a line of JSON on stderr: error, message, exit_code.

Examples:
  $ turnout explain --component release-coordinator --customer acme
  $ turnout events --since 1h --customer acme
  $ turnout --env prod doctor
`;

/** Runs one command. @throws CommanderError when help was printed or the usage was wrong; what the command throws */
export async function run(args: readonly string[]): Promise<void> {
  complainInJson(args);
  const program = new Command("turnout")
    .description(
      "Sends every event to the version of a component that its user, project, customer or plan is pinned to.",
    )
    .option("--env <name>", "the environment on AWS (default: the state on this machine)")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureHelp({
      minWidthToWrap: 30,
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(" "),
      optionDescription,
    })
    .exitOverride()
    .configureOutput({ outputError: (text) => complainLine(oneLine(text), "usage") })
    .addHelpText("after", FOOTER);
  const ofName = new Map(Object.values(commands).flatMap((ofHeading) => Object.entries(ofHeading)));
  // Commands have a --version of their own: one of a component.
  if (!args.some((arg) => ofName.has(arg))) program.version(version(), "-V, --version", "print the version");
  for (const [heading, ofHeading] of Object.entries(commands)) {
    program.commandsGroup(`${heading}:`);
    for (const [name, { summary }] of Object.entries(ofHeading)) program.command(name).description(summary);
  }
  async function defineCommand(command: Command): Promise<void> {
    const chosen = ofName.get(command.name());
    if (chosen === undefined) return;
    (await chosen.load()).define(command.helpCommand(false), defineCommand);
    refuseRepeated(command);
  }
  program.hook("preSubcommand", async (_, command) => {
    chooseEnvironment(program.opts<{ env?: string }>().env);
    await defineCommand(command);
  });
  program.hook("preAction", (_, command) => refuseMissing(command));
  // Not an option of the program's: it would take the `--version 24` of its commands.
  if (args.length === 1 && ["-V", "--version"].includes(args[0] ?? "")) return printLine(version());
  if (args.length === 0) return program.help({ error: true });
  // `help pin` is `pin --help`.
  const [first, ...rest] = args;
  await program.parseAsync(first === "help" ? [...rest, "--help"] : args, { from: "user" });
}

/** `[name]` for one that may be left out. */
function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function optionDescription(option: Option): string {
  const { argChoices, defaultValue } = option;
  const unchosen = defaultValue === undefined ? "" : ` (default: ${defaultValue})`;
  const choices = argChoices === undefined ? "" : `: ${argChoices.join(", ")}${unchosen}`;
  return `${option.description}${choices}${isRequired(option) ? " (required)" : ""}`;
}

/** Commander's `error: unknown option '--jsn'\n(Did you mean --json?)`. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, "")
    .replaceAll(/\s*\n\s*/g, " ");
}

function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
