import { expect, it } from "vitest";
import type { LoggedMove } from "../../../shared/domain/routing/alias-move.ts";
import { promotedVersions } from "../../../shared/domain/routing/promoted-versions.ts";
import type { MoveEntry, TracedMove } from "../../../shared/domain/routing/trace-moves.ts";

const at = new Date("2026-11-20T10:00:00.000Z");

/** Settled moves such as `1 → 2` or, as a rollback, `2 ↩ 1`; the n-th was intended by revision n. */
function moves(...texts: string[]): TracedMove[] {
  return texts.map((text, n) => {
    const [from = "", arrow, to = ""] = text.split(" ");
    const kind = arrow === "↩" ? "rollback" : "set";
    const entry = (stage: LoggedMove["stage"]): MoveEntry =>
      ({ revision: n + 1, at, move: { component: "mailer", alias: "stable", from, to, kind, stage } }) as MoveEntry;
    return { intended: entry("intended"), end: entry("settled") };
  });
}

/** The versions, each with the revision that promoted it where that is known. */
const promoted = (version: string, ...texts: string[]) =>
  promotedVersions(moves(...texts), true, version)?.map((one) => `${one.version}@${one.revision ?? "?"}`);

it("what is promoted stands on what it took the place of, each version once", () => {
  expect(promoted("3", "1 → 2", "2 → 3")).toEqual(["1@?", "2@1", "3@2"]);
  expect(promoted("1", "1 → 2", "2 → 3", "3 ↩ 2", "2 ↩ 1")).toEqual(["1@4"]);
});

it("a version that got there without Turnout stands between those that it did", () => {
  expect(promoted("4", "1 → 2", "3 → 4")).toEqual(["1@?", "2@1", "3@?", "4@2"]);
  expect(promoted("5", "1 → 2")).toEqual(["1@?", "2@1", "5@?"]);
});

it("a move that two have made at the same time counts once", () => {
  expect(promoted("2", "1 → 2", "1 → 2")).toEqual(["1@?", "2@1"]);
  expect(promoted("2", "1 → 2", "2 → 1", "1 → 2")).toEqual(["1@?", "2@1", "1@2", "2@3"]);
});
