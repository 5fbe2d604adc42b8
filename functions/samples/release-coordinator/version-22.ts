import { coordinator } from "./coordinator.ts";
import { judgeChecks, type Rule } from "./release-rule.ts";

/** Stable: the newest commit on the default branch whose checks have all finished and passed. */
export const rule: Rule = { version: "22", judge: (commit) => judgeChecks(commit, ["passed"]) };

export const handler = coordinator(rule);
