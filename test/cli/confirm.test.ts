import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { askYesNo } from "../../scripts/commands/confirm.ts";

/** Asks, with this typed as the answer. */
async function answerTo(typed: string) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const asked = askYesNo("Make this change?", { input, output, isTerminal: true });
  input.end(typed);
  const answer = await asked;
  output.end();
  return { answer, shown: await text(output) };
}

describe("the prompt", () => {
  it.each([
    ["y\r", "yes"],
    ["Yes\r", "yes"],
    ["\r", "no"],
    ["n\r", "no"],
    ["yess\r", "no"],
    ["", "no"],
    ["\u0004", "no"],
    ["\u0003", "interrupted"],
  ] as const)("takes %j as %s", async (typed, meaning) => {
    const { answer, shown } = await answerTo(typed);
    expect(answer).toBe(meaning);
    expect(shown).toContain("Make this change? [y/N] ");
  });
});
