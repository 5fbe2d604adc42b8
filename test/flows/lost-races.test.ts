import { describe, expect, it } from "vitest";
import { LOST, lostRaces } from "../../shared/flows/lost-races.ts";

describe("changes that are made at the same instant", () => {
  it("are all made, three hundred of them, whoever comes first", async () => {
    let revision = 0;
    const change = () =>
      lostRaces(
        async () => {
          const seen = revision;
          await Promise.resolve();
          return seen === revision ? ++revision : LOST;
        },
        { left: "" },
      );
    const made = await Promise.all(Array.from({ length: 300 }, change));
    expect(new Set(made).size).toBe(300);
  });

  it("end in a conflict for whoever lost a thousand races, which says how things stand", async () => {
    let races = 0;
    const lose = async () => {
      races++;
      return LOST;
    };
    await expect(lostRaces(lose, { others: "Moves", left: "Nothing was changed." })).rejects.toMatchObject({
      kind: "conflict",
      message: "Moves came first 1000 times in a row. Nothing was changed.",
    });
    expect(races).toBe(1_000);
  });
});
