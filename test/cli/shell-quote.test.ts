import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printable } from "../../shared/domain/text/printable.ts";
import { shellLine } from "../../shared/installation/wording/shell-quote.ts";
import { paste, shells } from "../support/shells.ts";

/** What shells act on, what isn't seen, and what has been mistaken for something else. */
const AWKWARD = [
  ..."'\"\\`$!#&|;<>(){}[]*?~=-+%^ \t\n\r\u001b\u0007\u007f0x7",
  ..."\u200b\u200d\u2066\u202e\u00a0\u3000\ufeff\u00ad\u2028\ufe0f\u{e0041}\ue000é日🙂",
  "touch X;",
  "$(touch X)",
  "`touch X`",
  "\\'",
  "$'",
  "!!",
  "%s",
  "%n",
  "\\012",
  "--",
  "\n\n",
];

/** A word that a program can be given at all: no character zero, and no half of a pair. */
const word = fc.oneof(
  fc.string({ unit: fc.constantFrom(...AWKWARD), maxLength: 8 }),
  fc.string({ unit: "binary", maxLength: 8 }).map((text) => text.replaceAll("\0", "")),
  fc.constantFrom(...AWKWARD),
);

describe.each(shells)("a command that is printed, pasted into %s", (shell) => {
  it("gives every word as it was, and runs nothing else", async () => {
    const lines = fc.array(fc.array(word, { maxLength: 4 }), { minLength: 60, maxLength: 60, size: "max" });
    await fc.assert(
      fc.asyncProperty(lines, async (commands) => {
        const pasted = await paste(
          shell,
          commands.map((words) => shellLine(["turnout", ...words])),
        );
        expect(pasted).toEqual({ calls: commands, stderr: "", files: [] });
      }),
      { numRuns: 8 },
    );
  });

  it("can be gone on with", async () => {
    const { calls } = await paste(shell, [
      `${shellLine(["turnout", "b\n", "c"])} --yes`,
      `${shellLine(["turnout"])} 1`,
    ]);
    expect(calls).toEqual([["b\n", "c", "--yes"], ["1"]]);
  });
});

describe("a command that is printed", () => {
  it("is one line, in which everything is seen", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(word, fc.string({ unit: "binary" }), fc.constantFrom("\ud800", "\udc00x", "\0"))),
        (words) => {
          const line = shellLine(["turnout", ...words]);
          expect(printable(line)).toBe(line);
          expect(line).not.toMatch(/\p{C}|\p{Zl}|\p{Zp}|\u00a0|\u200b|\u3000|\ufe0f/u);
        },
      ),
    );
  });

  it.each([
    ["acme", "turnout acme"],
    ["acme/site", "turnout acme/site"],
    ["", "turnout ''"],
    ["undo of revision 6", "turnout 'undo of revision 6'"],
    ["it's", "turnout 'it'\\''s'"],
    ["a\\b", "turnout 'a'\\\\'b'"],
    ["=ls", "turnout '=ls'"],
    ["日本", "turnout '日本'"],
    ["acme\u200b", `turnout 'acme'"$(printf '\\342\\200\\213')"`],
    ["a\nb", `turnout 'a'"$(printf '\\012\\142')"`],
    ["a\n", `eval "$(printf 'turnout \\047a\\012\\047')"`],
    ["half \ud800 and \0", "turnout 'half \ufffd and \ufffd'"],
  ])("has %j as %s", (given, line) => {
    expect(shellLine(["turnout", given])).toBe(line);
  });

  it("isn't left by an id that ends what it stands in", async () => {
    const id = "acme\u200b\\'; touch X; : \\'";
    for (const shell of shells) {
      const line = shellLine(["turnout", "unpin", "--customer", id]);
      expect(await paste(shell, [line])).toEqual({ calls: [["unpin", "--customer", id]], stderr: "", files: [] });
    }
  });
});
