import { describe, expect, it } from "vitest";
import type { Claim } from "../../../shared/domain/deliveries/delivery.ts";
import type { Delivery } from "../../../shared/flows/deliver/router-ports.ts";
import { madeOf, restOf } from "../../../shared/flows/replay/deliver-batch.ts";
import { anEntry } from "../../support/stored-events.ts";

const delivery = {} as Delivery;
const won = { won: true } as Claim;
const found = (why: (Claim & { won: false })["why"]) => madeOf(delivery, {}, { won: false, why } as Claim).state;

describe("what an attempt of a replay has made of a delivery", () => {
  it.each([
    ["done", "done"],
    ["dead", "dead"],
    ["failed", "open"],
    ["postponed", "open"],
    ["accepted", "open"],
    ["superseded", "open"],
  ] as const)("%s is %s", (outcome, state) => {
    expect(madeOf(delivery, { outcome, executedVersion: "7" }, won)).toEqual({ state, delivery, version: "7" });
  });

  it("is what was there where it couldn't be claimed", () => {
    expect([found("done"), found("dead"), found("rejected"), found("payload differs")]).toEqual([
      "done",
      "dead",
      "dead",
      "dead",
    ]);
    expect(found("claimed by another")).toBe("open");
  });

  it("is what the ledger says by now of one that was handed over, by the version that ran it", () => {
    const made = { state: "open", delivery, version: "7" } as const;
    expect(restOf(anEntry({ status: "done", executedVersion: "8" }), made)).toEqual({
      state: "done",
      delivery,
      version: "8",
    });
    expect(restOf(anEntry({ status: "dead" }), made)).toMatchObject({ state: "dead", version: "7" });
  });
});
