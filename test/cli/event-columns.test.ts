import { stripVTControlCharacters } from "node:util";
import { expect, it, onTestFinished, vi } from "vitest";
import { steadyPrinter, tablePrinter } from "../../scripts/commands/terminal/table.ts";
import { outcomeColumns } from "../../scripts/commands/wording/event-rows.ts";
import type { LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import type { EventOutcome } from "../../shared/domain/deliveries/event-outcome.ts";
import { aClaimRequest, aRecord } from "../support/builders.ts";

const id = "35a64eb0-d8d5-4044-b126-e8316801a5ab";
const window = { from: new Date("2026-11-20T10:00:00Z"), to: new Date("2026-11-20T11:00:00Z") };

function anOutcome(about: { error?: string; project?: string; detailType?: string } = {}): EventOutcome {
  const { error, project = "acme-industries/storefront", detailType = "workflow_job.completed" } = about;
  const subject = { project, customer: "acme-industries", plan: "enterprise" };
  return {
    record: aRecord({ id, t0: new Date("2026-11-20T10:13:25Z"), source: "github.com", detailType, subject }),
    status: error === undefined ? "done" : "dead",
    component: "release-coordinator",
    entry: anEntry(error),
  };
}

function anEntry(error: string | undefined): LedgerEntry {
  const { leaseMs: _, ...asked } = aClaimRequest({ component: "release-coordinator", alias: "experimental" });
  const [since, attempts] = [asked.t0, [{ attempt: 1, at: asked.t0, outcome: "done", version: "23" }] as const];
  const made = { status: "done", attempt: 1, failures: 0, lapses: 0, since, owner: "a", leaseUntil: since } as const;
  const failed = error === undefined ? {} : { error: { type: "Broken", message: error } };
  return { ...asked, ...made, because: "customer pin", executedVersion: "23", attempts: [...attempts], ...failed };
}

/** What is printed on a terminal of so many columns, line by line. */
function printedAt(columns: number | undefined, print: () => void): string[] {
  const written: string[] = [];
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
  const notes = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const before = { isTTY: process.stdout.isTTY, columns: process.stdout.columns };
  Object.assign(process.stdout, { isTTY: columns !== undefined, columns });
  vi.stubEnv("NO_COLOR", "1");
  onTestFinished(() => void vi.unstubAllEnvs());
  try {
    print();
  } finally {
    spy.mockRestore();
    notes.mockRestore();
    Object.assign(process.stdout, before);
  }
  return stripVTControlCharacters(written.join("")).trimEnd().split("\n");
}

it.each([80, 100, 140, 200])("events fit %i columns with their ids, whatever else they leave out", (columns) => {
  for (const outcomes of [[anOutcome()], [anOutcome(), anOutcome({ error: "the database of customers is away" })]]) {
    const lines = printedAt(columns, () => {
      const table = tablePrinter(outcomeColumns(window));
      table.print(outcomes);
      table.end();
    });
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
    expect(lines[0]).toMatch(/^TIME +EVENT +.*TYPE +PROJECT +CUSTOMER +.*VER +.*STATUS/);
    for (const line of lines.slice(1)) expect(line).toMatch(/^10:13:25 {2}35a64eb/);
    if (columns >= 140) expect(lines[0]).toMatch(/COMPONENT +ALIAS/);
    if (columns === 200) expect(lines[1]).toContain(`  ${id.slice(0, 16)}`);
  }
});

it.each([80, 100, 140, 200, undefined])(
  "a tail of %s columns keeps them from the first event to the last",
  (columns) => {
    const short = anOutcome({ project: "a", detailType: "push" });
    const lines = printedAt(columns, () => {
      const table = steadyPrinter(outcomeColumns(window));
      table.print([short]);
      table.print([anOutcome(), anOutcome({ error: "away" })]);
      table.print([short]);
    });
    expect(lines.filter((line) => line.startsWith("TIME"))).toHaveLength(1);
    expect(lines[0]).toContain("ERROR");
    expect(lines.filter((line) => line.length > (columns ?? 300))).toEqual([]);
    const begins = (line = "") => line.indexOf("35a64eb0");
    expect(lines.slice(1).map(begins)).toEqual(Array(4).fill(begins(lines[1])));
    if (columns === undefined) expect(lines[2]).toContain(` ${id}  github.com    workflow_job.completed `);
    else expect(lines[1]?.indexOf(" 23 ")).toBe(lines[3]?.indexOf(" 23 "));
  },
);

it("a list keeps its columns over its pages, and makes them wider where there is room", () => {
  const many = Array.from({ length: 60 }, () => anOutcome({ project: "a" }));
  const lines = printedAt(200, () => {
    const table = tablePrinter(outcomeColumns(window));
    for (const outcome of many) table.print([outcome]);
    table.print([anOutcome()]);
    table.end();
  });
  expect(lines).toHaveLength(62);
  expect(new Set(lines.slice(1, 61)).size).toBe(1);
  expect(lines.at(-1)).toContain("acme-industries/storefront");
});

it("a list says its columns again where one has something in it that had nothing before", () => {
  const lines = printedAt(200, () => {
    const table = tablePrinter(outcomeColumns(window));
    table.print(Array.from({ length: 60 }, () => anOutcome()));
    table.print([anOutcome({ error: "away" })]);
    table.end();
  });
  expect(lines.filter((line) => line.startsWith("TIME")).map((line) => line.includes("ERROR"))).toEqual([false, true]);
});
