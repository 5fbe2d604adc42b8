import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { routingFileEnd, routingFileStart } from "../../../shared/domain/routing/routing-file.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { wholeState } from "../../../shared/flows/change/restore-routing.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson, safeJson } from "../terminal/output.ts";

export function define(command: Command): void {
  command.argument("[file]", "where to write it, - for stdout", "-");
  jsonOption(command)
    .addHelpText(
      "after",
      `
Everything that routing knows as of one revision, for 'turnout import':
components, sources, the directory, pins, cohorts and guardrails. Not the code
of versions, nor which version an alias points at.

Example:
  $ turnout export routing.json
`,
    )
    .action(exportRouting);
}

async function exportRouting(file: string, { json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const toStdout = file === "-";
    const { revision, count } = await (toStdout ? toStandardOutput(routingTable) : toFile(routingTable, file));
    if (json && !toStdout) printJson({ file, routing_revision: revision, rows: count });
    else note(`${plural(count, "row")} at revision ${revision}${toStdout ? "" : ` written to ${file}`}`);
  });
}

async function toStandardOutput(table: RoutingTable) {
  const told = { revision: 0, count: 0 };
  await pipeline(Readable.from(lines(table, told)), process.stdout, { end: false });
  return told;
}

/** Beside the file first: one that is there stays whole until the new one is. */
async function toFile(table: RoutingTable, file: string) {
  const told = { revision: 0, count: 0 };
  const unfinished = `${file}.${randomUUID().slice(0, 8)}.unfinished`;
  try {
    await pipeline(Readable.from(lines(table, told)), createWriteStream(unfinished, { flags: "wx", mode: 0o600 }));
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    if (!(error instanceof Error && "code" in error)) throw error;
    throw new TurnoutError("failed", `${file} can't be written: ${error.message}.`, { cause: error });
  }
  return told;
}

async function* lines(table: RoutingTable, told: { revision: number; count: number }): AsyncGenerator<string> {
  const { revision, rows } = await wholeState(table);
  told.revision = revision;
  yield routingFileStart(revision);
  for await (const keyed of rows) {
    yield `${told.count === 0 ? "" : ","}\n${safeJson(keyed)}`;
    told.count++;
  }
  yield routingFileEnd;
}
