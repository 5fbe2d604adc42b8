import { expect, it } from "vitest";
import type { LoggedMove } from "../../../shared/domain/routing/alias-move.ts";
import { promotedVersions, wasThere } from "../../../shared/domain/routing/promoted-versions.ts";
import type { MoveEntry, TracedMove } from "../../../shared/domain/routing/trace-moves.ts";

const at = new Date("2026-11-20T10:00:00.000Z");

/** Settled moves such as `1 → 2`, `1 → 2 abandoned` or, as a rollback, `2 ↩ 1`; the n-th was intended by revision n. */
function moves(...texts: string[]): TracedMove[] {
  return texts.map((text, n) => {
    const [start = "", arrow, to = "", how = "settled"] = text.split(" ");
    const from = start === "null" ? null : start;
    const kind = arrow === "↩" ? "rollback" : "set";
    const entry = (stage: LoggedMove["stage"]): MoveEntry =>
      ({ revision: n + 1, at, move: { component: "mailer", alias: "stable", from, to, kind, stage } }) as MoveEntry;
    if (how === "intended") return { intended: entry("intended") };
    return { intended: entry("intended"), end: entry(how as LoggedMove["stage"]) };
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

it("a rollback goes on top of what is below the version that it goes to, wherever that was", () => {
  expect(promoted("1", "1 → 2", "2 ↩ 1")).toEqual(["1@2"]);
  expect(promoted("9", "1 → 2", "2 → 3", "3 ↩ 9")).toEqual(["1@?", "2@1", "9@3"]);
  expect(promoted("2", "1 → 2", "2 → 3", "3 → 2", "2 ↩ 3", "3 ↩ 2")).toEqual(["1@?", "2@5"]);
});

it("an alias that was made anew begins anew", () => {
  expect(promoted("3", "1 → 2", "null → 3")).toEqual(["3@2"]);
  expect(promotedVersions(moves("null → 3"), false, "3")).toMatchObject([{ version: "3" }]);
});

it("more moves are needed where these don't tell the last two", () => {
  expect(promotedVersions([], false, "1")).toBeUndefined();
  expect(promotedVersions([], true, "1")).toEqual([{ version: "1" }]);
  expect(promotedVersions(moves("1 → 2"), false, "2")).toHaveLength(2);
  expect(promotedVersions(moves("2 ↩ 1"), false, "1")).toBeUndefined();
});

it("a move that was given up counts for nothing, and one without an end where the alias is at its version, if it is the last", () => {
  expect(promoted("1", "1 → 2 abandoned")).toEqual(["1@?"]);
  expect(promoted("2", "1 → 2 intended")).toEqual(["1@?", "2@1"]);
  expect(promoted("1", "1 → 2 intended")).toEqual(["1@?"]);
  expect(promoted("3", "1 → 2 intended", "1 → 3")).toEqual(["1@?", "3@2"]);
  expect(promoted("2", "1 → 2 intended", "2 → 3", "3 → 2")).toEqual(["1@?", "2@?", "3@2", "2@3"].slice(1));
  expect(promoted("2", "1 → 2 intended", "1 → 2 intended")).toEqual(["1@?", "2@2"]);
});

it("a version was there as these moves show, or never where one of them made the alias", () => {
  const was = (from: string | null, to: string, ...texts: string[]) =>
    wasThere(moves(...texts), { component: "mailer", alias: "stable", from, to });
  expect(was("2", "1", "1 → 2")).toBe("shown");
  expect(was("3", "2", "1 → 2", "2 → 3")).toBe("shown");
  expect(was("2", "9", "1 → 2")).toBe("untold");
  expect(was("2", "9", "null → 2")).toBe("never");
  expect(was("2", "9")).toBe("untold");
  expect(was(null, "2", "1 → 2", "2 → 3 abandoned")).toBe("shown");
  expect(was(null, "3", "1 → 2", "2 → 3 abandoned")).toBe("untold");
  expect(was("3", "1", "1 → 2 intended", "2 → 3")).toBe("untold");
  expect(was("2", "1", "1 → 2 intended")).toBe("shown");
});
