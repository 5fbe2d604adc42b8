import { appendFileSync, readFileSync } from "node:fs";
import { type RunnerTestCase, TestRunner } from "vitest";
import type { Note, Order } from "./switched-run.ts";

type Test = RunnerTestCase;
type Suite = Parameters<TestRunner["onBeforeRunSuite"]>[0];

const { living, notes } = JSON.parse(readFileSync(String(process.env.MUTATION_ORDER), "utf8")) as Order;
const alive = new Set(living);

/** A test that takes long is run with some of its mutants only. */
const MOST_MS = 3_000;
const MOST_TURNS = 300_000;

/** The mutant that is switched on, if any, and those that were asked for since. */
let on: number | undefined;
let asked = new Set<number>();
let turns = 0;

Object.assign(globalThis, {
  isMutant(id: number): boolean {
    asked.add(id);
    return id === on;
  },
  turn(): void {
    if (on !== undefined && ++turns > MOST_TURNS) throw new Error("it loops for ever");
  },
});

function note(text: Note): void {
  appendFileSync(notes, `${JSON.stringify(text)}\n`);
}

/**
 * Runs each test once as everything is, then once more for each living mutant that it came by, and again as everything is
 * after each failure: a test that a mutant has spoilt for good tells nothing any more.
 */
export default class SwitchingRunner extends TestRunner {
  /** The mutants that the test is still to be run with; undefined before its first run. */
  private queue: number[] | undefined;
  private suspect: number | undefined;
  private started = process.cpuUsage();

  override async onBeforeRunTask(test: Test): Promise<void> {
    await super.onBeforeRunTask(test);
    // How many times is known only after the first: it is asked after each.
    Object.assign(test, { repeats: { valueOf: () => (this.isOver() ? -1 : Number.POSITIVE_INFINITY) } });
    this.leaveTest();
    this.queue = undefined;
    this.suspect = undefined;
  }

  override onBeforeTryTask(test: Test, options: { retry: number; repeats: number }): void {
    super.onBeforeTryTask(test, options);
    if (test.result !== undefined) Object.assign(test.result, { errors: undefined, attempts: [] });
    asked = new Set();
    turns = 0;
    on = options.repeats === 0 || this.suspect !== undefined ? undefined : this.queue?.shift();
    this.started = process.cpuUsage();
    if (on !== undefined) note({ kind: "began", mutant: on });
  }

  override async onAfterRetryTask(test: Test, options: { retry: number; repeats: number }): Promise<void> {
    await super.onAfterRetryTask(test, options);
    const failed = (test.result?.state === "fail") !== (test.fails ?? false);
    if (options.repeats === 0) this.afterFirst(failed);
    else if (this.suspect !== undefined) this.afterCheck(failed, test);
    else if (failed) this.suspect = on;
    on = undefined;
  }

  override async onAfterRunSuite(suite: Suite): Promise<void> {
    await super.onAfterRunSuite(suite);
    this.leaveTest();
    if ("filepath" in suite) note({ kind: "file over", file: String(suite.filepath) });
  }

  private afterFirst(failed: boolean): void {
    const tookMs = process.cpuUsage(this.started).user / 1000;
    const reached = [...asked].filter((id) => alive.has(id));
    note({ kind: "reached", mutants: reached });
    this.queue = failed ? [] : reached.slice(0, Math.ceil(MOST_MS / tookMs));
    asked = new Set();
  }

  private afterCheck(failed: boolean, test: Test): void {
    const mutant = this.suspect as number;
    this.suspect = undefined;
    if (failed) {
      note({ kind: "spoilt", mutant });
      this.queue = [];
      return;
    }
    alive.delete(mutant);
    note({ kind: "killed", mutant, by: test.name });
  }

  private isOver(): boolean {
    return this.queue?.length === 0 && this.suspect === undefined;
  }

  /** What is asked for outside of a test, as a file is imported or before all, isn't switched. */
  private leaveTest(): void {
    const outside = [...asked].filter((id) => alive.has(id));
    if (outside.length > 0) note({ kind: "outside", mutants: outside });
    asked = new Set();
  }
}
