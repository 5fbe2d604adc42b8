import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { type EventSource, readFacts } from "../../../shared/domain/events/event.ts";
import { type JsonItem, splitJson } from "../../../shared/domain/text/json-items.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { complainLine } from "../terminal/complain.ts";
import { withInstallation } from "../terminal/context.ts";
import { endPartlyDone } from "../terminal/exit-codes.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { mustRead, readInput } from "../terminal/read-input.ts";
import { type ReadyEvent, readPublished } from "./read-published.ts";

type PublishOptions = JsonOption & { skipBad?: true; dryRun?: true };
type Problem = { where: string; problem: string };

/** Problems told one by one; a file of another format has one on every line. */
const PROBLEMS_TOLD = 10;

export function define(command: Command): void {
  jsonOption(command)
    .argument("[file]", "JSON: one event, an array, or one per line; - or nothing for stdin")
    .option("--skip-bad", "publish what is valid, and end with exit code 7 if something wasn't")
    .option("--dry-run", "check the events, and publish nothing")
    .addHelpText(
      "after",
      `
Takes PutEvents entries, events in EventBridge's envelope, CloudEvents 1.0 and
what 'event show --json' prints, and prints the events' ids. Unless --skip-bad,
it is all or nothing.

On AWS they go to the environment's bus, which gives them ids of its own and may
refuse some of them (exit code 7); the publisher policy is enough for it. An
event that has no idempotency key, neither its own nor at its source's path,
keeps its id as one. A key counts among the events of its source and type:
others may have the same. An event that is there already is a duplicate, and not
run again; 'turnout replay start' does that.

Examples:
  $ turnout publish events.ndjson
  $ echo '{"Source":"shop","DetailType":"order placed","Detail":{"total":12}}' \\
      | turnout publish
  $ turnout event show 3f6c0e1a --json | turnout --env dev publish
`,
    )
    .action(publish);
}

async function publish(file: string | undefined, options: PublishOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const { name, text } = await readInput(file);
    const now = new Date();
    const { ready, problems } = await readAll(mustRead(splitJson(text), name), installation, now);
    tellProblems(name, problems);
    if (problems.length > 0 && (!options.skipBad || ready.length === 0)) {
      const invalid = `${problems.length} of ${plural(ready.length + problems.length, "event")}`;
      const remedy = ready.length === 0 ? "Correct them" : "Correct them, or add --skip-bad";
      throw new TurnoutError("failed", `Nothing was published: ${invalid} can't be read. ${remedy}.`);
    }
    const published = options.dryRun ? [] : await installation.publish(ready, now);
    const refused: Problem[] = [];
    ready.forEach(({ event }, index) => {
      const result = published[index] ?? { eventId: event.id };
      if ("eventId" in result) print({ ...event, id: result.eventId }, options);
      else refused.push({ where: `${event.source}, ${event["detail-type"]}, ${event.id}`, problem: result.problem });
    });
    tellProblems(name, refused);
    if (refused.length > 0 && refused.length === ready.length) throw nothingTaken(ready.length);
    if (problems.length + refused.length > 0) endPartlyDone();
    if (options.dryRun) note(`dry run, nothing was published: ${plural(ready.length, "event")} can be`);
    else tellIfWaiting(installation, ready.length);
  });
}

async function readAll(items: readonly JsonItem[], installation: Pick<Installation, "sourceOf">, now: Date) {
  const ready: ReadyEvent[] = [];
  const problems: Problem[] = [];
  const sources = sourceRows(installation);
  for (const { text, where } of items) {
    const published = await readPublished(text, { newId: randomUUID, now });
    if (!published.ok) {
      problems.push({ where, problem: published.problem });
      continue;
    }
    // Read as the router will: an id that it would refuse is told now, to who can correct it.
    const facts = readFacts(published.value.event, await sources(published.value.event.source));
    if (facts.ok) ready.push(published.value);
    else problems.push({ where, problem: facts.problem });
  }
  return { ready, problems };
}

/** The rows of event sources, each read once. */
function sourceRows(installation: Pick<Installation, "sourceOf">) {
  const known = new Map<string, EventSource | undefined>();
  return async (source: string) => {
    if (!known.has(source)) known.set(source, await installation.sourceOf(source));
    return known.get(source);
  };
}

function print(event: ReadyEvent["event"], options: PublishOptions): void {
  const { id, source, "detail-type": detailType } = event;
  if (options.json) {
    printJson({ event_id: id, source, detail_type: detailType, ...(options.dryRun ? { dry_run: true } : {}) });
  } else if (!options.dryRun) printLine(id);
}

function tellProblems(name: string, problems: readonly Problem[]): void {
  for (const { where, problem } of problems.slice(0, PROBLEMS_TOLD)) {
    complainLine(`${where === "" ? name : `${name}, ${where}`}: ${problem}.`);
  }
  if (problems.length > PROBLEMS_TOLD) complainLine(`… and ${problems.length - PROBLEMS_TOLD} more.`);
}

function nothingTaken(count: number): TurnoutError {
  const events = count === 1 ? "the event was" : `none of the ${count} events was`;
  return new TurnoutError(
    "failed",
    `Nothing was published: ${events} taken. Correct what is said above, or try again.`,
  );
}

function tellIfWaiting(installation: Installation, count: number): void {
  if (installation.isServed()) return;
  note(`${plural(count, "event")} stored, to be routed when a server runs ('npm start')`);
}
