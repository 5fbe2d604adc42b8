import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import {
  isLive,
  type LaptopLease,
  type LeaseClaim,
  laptopAlias,
  leftChange,
} from "../../../shared/domain/routing/laptop-lease.ts";
import type { ListenEdit } from "../../../shared/domain/routing/listen-edit.ts";
import { rowWords } from "../../../shared/domain/routing/row-words.ts";
import { type SubjectKey, subjectLevels } from "../../../shared/domain/subject.ts";
import { keyInWords } from "../../../shared/domain/text/split-key.ts";
import { beat, endSession, leaseOf, noteRevision } from "../../../shared/flows/listen/laptop-session.ts";
import { takeBack } from "../../../shared/flows/listen/take-back.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { undoByRevert } from "../../../shared/installation/wording/undo-commands.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { willWrite } from "../terminal/confirm.ts";
import { commandAsTyped, withInstallation } from "../terminal/context.ts";
import {
  type ChangeOptions,
  cohortName,
  duration,
  jsonOption,
  type SubjectOptions,
  subjectOptions,
  usage,
} from "../terminal/options.ts";
import { note } from "../terminal/output.ts";
import { type ListenCode, openCode } from "./listen-code.ts";
import { type Listening, untilEnded } from "./listen-loop.ts";

type ListenOptions = Omit<ChangeOptions, "reason"> &
  SubjectOptions & {
    cohort?: string;
    for: number;
    handler?: string;
    inspect?: string | true;
    reason?: string;
  };

/** Whose events are listened to unless somebody is named. */
const DEFAULT_COHORT = "staff";

const LONGEST_MS = 7 * 86_400_000;

export function define(command: Command): void {
  subjectOptions(command.argument("<component>", "the component").argument("<folder>", "the folder with your code"))
    .option("--cohort <name>", `a cohort (default, where nobody is named: ${DEFAULT_COHORT})`, cohortName("--cohort"))
    .option("--for <duration>", "for how long at most, e.g. 2h (at most 7d)", duration("--for"), 2 * 3_600_000)
    .option("--handler <handler>", "as in publish-version (default: index.handler, or what version.json names)")
    .option("--inspect [host:port]", "let a debugger in, at 127.0.0.1:9229 unless told otherwise; one event at a time");
  jsonOption(command)
    .option("--reason <text>", "why, for the change log (default: the folder that is listened with)")
    .option("--dry-run", "say what would change, and change nothing")
    .option("-y, --yes", "don't ask")
    .option("--force", "go past a freeze and the guardrails; the change log says so")
    .addHelpText("after", HELP)
    .action(listen);
}

const HELP = `
Runs production events of whom you name on the code in a folder of yours. Nothing
is deployed: one change of the routing sends them to the alias laptop-<you>, whose
lease this command holds, and your code gets each as a published version would.
What it answers is the delivery's outcome; it counts for version laptop-<you>.

A saved file is loaded at once; events wait while it can't be. --inspect stops
no lease: breakpoints may take their time. Any language, by version.json. The
code sees the component's own environment and nothing of yours.

Ctrl-C, the end of --for and SIGTERM take the change back and hand back what is
left; it is decided again at once. Where the command can't do so any more, the
lease lapses after 45 s, and all goes where it went before, or to the fallback.
What failed here and is dead is counted, with the replay that delivers it again.

On a terminal ↑ and ↓ choose an event and r runs it once more, here only: nothing
of that is told or counted. Elsewhere there is a line for whatever happens, and
with --json a line of JSON.

Examples:
  $ turnout listen release-coordinator ./coordinator --customer acme --for 2h
  $ turnout listen mailer ./mailer --user ada --inspect --reason "issue 412"
  $ turnout listen mailer ./mailer --yes --json
`;

async function listen(name: string, folder: string, options: ListenOptions): Promise<void> {
  if (options.for > LONGEST_MS) throw usage("--for: at most 7d. Publish a version for what is to stay.");
  await withInstallation(async (installation) => {
    const component = await componentNamed(installation.routingTable, name);
    const who = await installation.who();
    const alias = laptopAlias(who);
    const claim: LeaseClaim = { component: name, alias, session: randomUUID(), owner: `${who} on ${hostname()}` };
    await refuseHeld(installation, claim);
    if (!willWrite({ ...options, reason: "" })) {
      await sendHere(installation, claim, folder, options);
      return;
    }
    const inspect = options.inspect === true ? "127.0.0.1:9229" : options.inspect;
    const saved: { tell?: (problem: Error | undefined) => void } = {};
    const onSaved = (problem: Error | undefined) => saved.tell?.(problem);
    const code = await openCode({ component, version: alias, folder, handler: options.handler, inspect, onSaved });
    try {
      await withLease(installation, claim, folder, options, code, saved);
    } finally {
      await code.close();
    }
  });
}

/** Takes the lease before the change: what the change sends here must not find nobody. */
async function withLease(
  installation: Installation,
  claim: LeaseClaim,
  folder: string,
  options: ListenOptions,
  code: ListenCode,
  saved: { tell?: (problem: Error | undefined) => void },
): Promise<void> {
  const ports = { laptops: installation.laptops, now: () => new Date() };
  await takeBackWhatWasLeft(installation, claim);
  const first = await beat(ports, claim);
  if ("refused" in first) throw held(first.refused);
  const made = await sendHere(installation, claim, folder, options).catch(async (error: unknown) => {
    await endSession(ports, claim);
    throw error;
  });
  if (made === undefined) return endSession(ports, claim);
  await noteRevision(ports, claim, made.revision);
  if (!installation.isServed()) note("no server runs here: events come when one does ('npm start')");
  const until = made.until.toISOString().slice(11, 19);
  note(`listens as ${claim.alias} with ${folder} (${code.entry}) until ${until}; Ctrl-C hands everything back`);
  const listening: Listening = { installation, claim, code, until: made.until, json: options.json === true };
  const ended = await untilEnded(listening, saved, () => back(installation, claim, made.revision));
  note(ended);
}

/** Makes the change that sends events here. Undefined where it wasn't made. */
async function sendHere(
  installation: Installation,
  claim: LeaseClaim,
  folder: string,
  options: ListenOptions,
): Promise<{ revision: number; until: Date } | undefined> {
  const now = new Date();
  const until = new Date(now.getTime() + options.for);
  const reason = options.reason ?? `listens with ${folder}`;
  const edit: ListenEdit = {
    kind: "listen",
    component: claim.component,
    alias: claim.alias,
    ...named(options),
    until: until.toISOString(),
    who: await installation.who(),
    why: reason,
    at: now.toISOString(),
    heldByOthers: await heldByOthers(installation, claim, now),
  };
  const whom = [...edit.subjects.map((key) => keyInWords(key)), ...edit.cohorts.map((cohort) => `cohort ${cohort}`)];
  const [revision] = await changeRouting(
    installation,
    { ...options, reason },
    {
      edit,
      what: `listen to ${whom.join(", ")} of ${claim.component} as ${claim.alias} until ${edit.until}`,
      alreadySo: "these events go to this laptop already",
      details: (rows) => rows.flatMap(rowWords),
      undo: (made) => undoByRevert(made.revisions),
      now,
    },
  );
  return revision === undefined ? undefined : { revision, until };
}

function named(options: ListenOptions): Pick<ListenEdit, "subjects" | "cohorts"> {
  const subjects = subjectLevels.flatMap((level): SubjectKey[] => {
    const id = options[level];
    return id === undefined ? [] : [`${level}#${id}`];
  });
  if (options.cohort !== undefined) return { subjects, cohorts: [options.cohort] };
  return { subjects, cohorts: subjects.length === 0 ? [DEFAULT_COHORT] : [] };
}

async function heldByOthers({ laptops }: Installation, { component, alias }: LeaseClaim, now: Date): Promise<string[]> {
  const leases = await laptops.leases();
  const others = leases.filter((lease) => lease.component === component && lease.alias !== alias && isLive(lease, now));
  return others.map((lease) => lease.alias);
}

async function refuseHeld({ laptops }: Installation, claim: LeaseClaim): Promise<void> {
  const lease = await leaseOf(laptops, claim);
  if (lease !== undefined && isLive(lease, new Date())) throw held(lease);
}

function held({ component, alias, owner, until }: LaptopLease): TurnoutError {
  return new TurnoutError("conflict", `${owner} listens to ${component} as ${alias} already. Nothing was changed.`, {
    remedies: ["end that first (Ctrl-C there)", `wait: if nobody is there any more, its lease lapses at ${until}`],
  });
}

/** What a listener that was killed couldn't take back: its rules would come to count again with this lease. */
async function takeBackWhatWasLeft(installation: Installation, claim: LeaseClaim): Promise<void> {
  const left = leftChange(await leaseOf(installation.laptops, claim), new Date());
  if (left === undefined) return;
  const made = await back(installation, claim, left).catch((error: unknown) => {
    note(`what the last listener left isn't taken back: ${error instanceof Error ? error.message : error}`);
    return undefined;
  });
  if (made !== undefined) note(`took back what the last listener left: ${made}`);
}

/** Reverts the change that sends events here. @returns what was done, in words; undefined when nothing was left to do */
async function back(installation: Installation, claim: LeaseClaim, revision: number): Promise<string | undefined> {
  const about = {
    who: await installation.who(),
    why: `${claim.alias} has stopped listening`,
    command: commandAsTyped(),
    at: new Date(),
    changeId: randomUUID(),
  };
  const made = await takeBack(installation.routingTable, revision, about);
  return made.rows.length === 0 ? undefined : `revision ${made.revision} reverts revision ${revision}`;
}
