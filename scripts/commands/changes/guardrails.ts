import type { Command } from "commander";
import { Guardrails, ProtectedSubject } from "../../../shared/domain/routing/guardrails.ts";
import { readShare, shareText } from "../../../shared/domain/routing/rollout.ts";
import { isSubjectKey } from "../../../shared/domain/subject.ts";
import { read } from "../../../shared/domain/text/schema.ts";
import { keyInWords } from "../../../shared/domain/text/split-key.ts";
import { exceededBudgets } from "../../../shared/flows/change/exceeded-budgets.ts";
import { standingGuardrails } from "../../../shared/flows/change/standing-guardrails.ts";
import { notInDirectory } from "../../../shared/flows/explain/find-subjects.ts";
import { guardrailsChange } from "../../../shared/installation/changes/asked-component-change.ts";
import { unknownWarnings } from "../../../shared/installation/wording/named-subjects.ts";
import { undoByRevert } from "../../../shared/installation/wording/undo-commands.ts";
import { withInstallation } from "../terminal/context.ts";
import {
  aliasName,
  type ChangeOptions,
  changeOptions,
  type JsonOption,
  jsonOption,
  must,
  usage,
  wholeNumber,
} from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { changeRouting } from "./change-routing.ts";

/** Takes a budget away. */
const NONE = "none";

const PROTECTS_IT = "it is protected in events that name it themselves";
const PROTECTS_THEM = "they are protected in events that name them themselves";

type SetOptions = ChangeOptions & {
  maxCustomersOff?: number | typeof NONE;
  maxEventShareOff?: number | typeof NONE;
  protect?: string[];
  unprotect?: string[];
  /** `false` for `--no-expiry-required-for`. */
  expiryRequiredFor?: string[] | false;
};

export function define(command: Command): void {
  const setting = command
    .command("set")
    .description("set what no change may exceed without --force")
    .option(
      "--max-customers-off <n>",
      "most customers off a component's default alias, or to another version at once; none takes it away",
      orNone(wholeNumber("--max-customers-off", 0)),
    )
    .option(
      "--max-event-share-off <percent>",
      "largest share of the last hour's events for which that holds, e.g. 5%; none takes it away",
      orNone((text) => must(readShare(text), "--max-event-share-off")),
    )
    .option("--protect <subject...>", "subjects that no change may move, e.g. customer#acme", subjects("--protect"))
    .option("--unprotect <subject...>", "subjects that may be moved again", subjects("--unprotect"))
    .option("--expiry-required-for <alias...>", "aliases that a pin may only name with an end", aliases)
    .option("--no-expiry-required-for", "let pins to any alias go without an end");
  changeOptions(setting)
    .addHelpText(
      "after",
      `
What isn't named stays as it is. The move of an alias counts those who are on
it, as they change version all at once: promoting to the alias that most are on
needs --force where there is a budget. A deployment can't say --force, and
fails. Nothing stands against all-stable, freeze, rollback and undo.

Examples:
  $ turnout guardrails set --max-customers-off 50 --max-event-share-off 5% \\
      --reason "agreed in the review"
  $ turnout guardrails set --protect customer#acme project#globex/shop \\
      --reason "in their launch week"
`,
    )
    .action(set);
  jsonOption(command.command("show").description("say what no change may exceed, and who has frozen the routing"))
    .addHelpText("after", "\nExample:\n  $ turnout guardrails show\n")
    .action(show);
}

async function set(options: SetOptions): Promise<void> {
  const { maxCustomersOff, maxEventShareOff, protect = [], unprotect = [], expiryRequiredFor } = options;
  const stated = [maxCustomersOff, maxEventShareOff, options.protect, options.unprotect, expiryRequiredFor];
  if (stated.every((value) => value === undefined)) throw usage("Name at least one guardrail. See --help.");
  await withInstallation(async (installation) => {
    const standing = await standingGuardrails(installation.routingTable);
    const before = standing.guardrails;
    const guarded = new Set([...before.protectedSubjects, ...protect]);
    for (const key of unprotect) guarded.delete(key);
    const wanted = {
      ...before,
      ...(maxCustomersOff === undefined ? {} : { maxCustomersOff: budget(maxCustomersOff) }),
      ...(maxEventShareOff === undefined ? {} : { maxEventShareOff: budget(maxEventShareOff) }),
      protectedSubjects: [...guarded],
      ...(expiryRequiredFor === undefined ? {} : { expiryRequiredFor: expiryRequiredFor || [] }),
    };
    // Without what is undefined: JSON knows no such thing, and rows are compared as texts.
    const guardrails = must(read(Guardrails, JSON.parse(JSON.stringify(wanted))), "The guardrails");
    const now = new Date();
    const unknown = await notInDirectory(installation.routingTable, protect.filter(isSubjectKey));
    const exceeded = await exceededBudgets(installation.routingTable, installation.events, guardrails, now);
    await changeRouting(
      installation,
      options,
      guardrailsChange(standing, {
        guardrails,
        warnings: [...unknownWarnings(unknown, PROTECTS_IT, PROTECTS_THEM), ...exceeded],
        what: "set guardrails",
        alreadySo: "the guardrails are like this already",
        undo: ({ revisions }) => undoByRevert(revisions),
        now,
      }),
    );
  });
}

async function show({ json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const { revision, guardrails } = await standingGuardrails(routingTable);
    if (json) return printJson(toJson(guardrails, revision));
    const { freeze, maxCustomersOff, maxEventShareOff, protectedSubjects, expiryRequiredFor } = guardrails;
    printLine(
      `frozen               ${freeze === undefined ? "no" : `by ${freeze.who} since ${freeze.at}: ${freeze.why}`}`,
    );
    printLine(`max customers off    ${maxCustomersOff ?? "none"}`);
    printLine(`max event share off  ${maxEventShareOff === undefined ? "none" : shareText(maxEventShareOff)}`);
    printLine(`protected            ${protectedSubjects.map(keyInWords).join(", ") || "nobody"}`);
    printLine(`expiry required for  ${expiryRequiredFor.join(", ") || "no alias"}`);
    note(`routing is at revision ${revision}`);
  });
}

function toJson(guardrails: Guardrails, revision: number) {
  const { freeze = null, maxCustomersOff = null, maxEventShareOff, protectedSubjects, expiryRequiredFor } = guardrails;
  return {
    frozen: freeze,
    max_customers_off: maxCustomersOff,
    max_event_share_off: maxEventShareOff === undefined ? null : shareText(maxEventShareOff),
    protected: protectedSubjects,
    expiry_required_for: expiryRequiredFor,
    routing_revision: revision,
  };
}

function orNone(parse: (text: string) => number): (text: string) => number | typeof NONE {
  return (text) => (text === NONE ? NONE : parse(text));
}

function budget(stated: number | typeof NONE): number | undefined {
  return stated === NONE ? undefined : stated;
}

function subjects(flag: string): (text: string, before?: string[]) => string[] {
  return (text, before = []) => [...before, must(read(ProtectedSubject, text), `${flag} ${text}`)];
}

function aliases(text: string, before: string[] | false = []): string[] {
  return [...(before || []), aliasName("--expiry-required-for")(text)];
}
