import type { Command } from "commander";
import {
  DEFAULT_CONCURRENCY,
  DEFAULT_RATE_PER_SECOND,
  MAX_CONCURRENCY,
  type ReplayMode,
  ReplayName,
  replayModes,
} from "../../../shared/domain/replays/replay.ts";
import { read } from "../../../shared/domain/text/schema.ts";
import { filterOptions, windowOptions } from "../events/filter-options.ts";
import { aliasName, jsonOption, must, usage, wholeNumber } from "../terminal/options.ts";
import { required } from "../terminal/required-option.ts";

/** What is replayed, and to where. */
export function requestOptions(command: Command): void {
  filterOptions(windowOptions(command))
    .option(`--mode <mode>`, `${replayModes.join(" or ")} (default: rerun)`, mode, "rerun")
    .option("--to-alias <alias>", "send everything to this alias", aliasName("--to-alias"))
    .option("--original", "send everything to the alias that handled it before");
}

/** How fast it is replayed. */
export function rateOptions(command: Command): void {
  command
    .option("--rate <n>", `deliveries begun per second, or 'unlimited' (default: ${DEFAULT_RATE_PER_SECOND})`, rate)
    .option(
      "--concurrency <n>",
      `deliveries under way at once, 1 to ${MAX_CONCURRENCY} (default: ${DEFAULT_CONCURRENCY})`,
      concurrency,
      DEFAULT_CONCURRENCY,
    );
}

/** What a command takes that starts a replay. */
export function startOptions(command: Command): Command {
  return required(jsonOption(command), "--reason <text>", "why, for whoever reads of it later", reason)
    .option("--name <name>", "what it is called (default: its time and three letters)", replayName)
    .option("--dry-run", "say what would be done, and do nothing")
    .option("-y, --yes", "don't ask")
    .option(
      "--at-most <n>",
      "refuse if more would be sent; --yes needs it above 1000 deliveries",
      wholeNumber("--at-most", 0),
    )
    .option("--detach", "don't watch it");
}

function mode(text: string): ReplayMode {
  const known = replayModes.find((one) => one === text);
  if (known !== undefined) return known;
  throw usage(`--mode: there is no '${text}'; there are ${replayModes.join(", ")}.`);
}

/** Deliveries per second; 0 stands for as fast as it goes. */
function rate(text: string): number {
  if (text === "unlimited") return 0;
  const number = Number(text);
  if (Number.isFinite(number) && number >= 0.1 && number <= 100_000) return number;
  throw usage("--rate: expected a number from 0.1 to 100000, or 'unlimited'.");
}

function concurrency(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= MAX_CONCURRENCY) return number;
  throw usage(`--concurrency: expected a whole number from 1 to ${MAX_CONCURRENCY}.`);
}

function reason(text: string): string {
  if (text.trim() === "") throw usage("--reason: say why, for whoever reads of it later.");
  return text;
}

function replayName(text: string): string {
  return must(read(ReplayName, text), "--name");
}
