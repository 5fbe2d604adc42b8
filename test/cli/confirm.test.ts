import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { askCount, askYesNo, type Confirmation, type Terminal } from "../../scripts/commands/terminal/confirm.ts";

/** Asks, with this typed as the answer. */
async function answerTo(
  typed: string,
  ask: (terminal: Terminal) => Promise<Confirmation> = (terminal) => askYesNo("Make this change?", terminal),
) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const asked = ask({ input, output, isTerminal: true });
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

describe("the prompt for a number", () => {
  it.each([
    ["1584\r", "yes"],
    [" 1584 \r", "yes"],
    ["1583\r", "no"],
    ["1,584\r", "no"],
    ["y\r", "no"],
    ["\r", "no"],
    ["", "no"],
    ["\u0003", "interrupted"],
  ] as const)("takes %j as %s", async (typed, meaning) => {
    const { answer, shown } = await answerTo(typed, (terminal) => askCount("Deliver these again?", 1_584, terminal));
    expect(answer).toBe(meaning);
    expect(shown).toContain("Deliver these again? Type 1584 to go on: ");
  });
});
