import { describe, expect, it } from "vitest";
import { addedUp, type DeliveryCount, noCounts } from "../../../shared/domain/health/delivery-count.ts";
import type { Failure } from "../../../shared/domain/health/failure.ts";
import type { Subject } from "../../../shared/domain/subject.ts";
import type { VersionHealth } from "../../../shared/flows/watch/health.ts";
import type { Exposure } from "../../../shared/flows/watch/sampled-exposures.ts";
import { type Dimension, slicesOf } from "../../../shared/flows/watch/slices.ts";

const at = new Date("2026-11-20T10:00:00.000Z");
const of = { component: "billing", version: "2" };

function aCount(
  alias: string,
  type: string,
  firsts: number,
  failed: number,
  errors: [string, number][] = [],
): DeliveryCount {
  return { ...noCounts(), ...of, alias, type, at, firsts, failed, errors: new Map(errors) };
}

function aFailure(subject: Subject): Failure {
  const said = { version: "2", alias: "beta", because: "default alias", type: "order placed" } as const;
  const told = { errorType: "Broken", message: "it broke", requestId: "r", eventId: "e", deliveryKey: "d" };
  return { at, component: "billing", subject, ...said, ...told };
}

function anExposure(subject: Subject, about: Partial<Exposure> = {}): Exposure {
  return { ...of, alias: "beta", type: "order placed", subject, failed: false, ...about };
}

const byKey = [
  aCount("beta", "order placed", 30, 3, [["Broken: it broke", 3]]),
  aCount("beta", "order paid", 60, 3, [
    ["Broken: it broke", 2],
    ["Timeout", 1],
  ]),
  aCount("branch", "order placed", 10, 0),
];

const health: VersionHealth = {
  ...of,
  aliases: ["beta", "branch"],
  pointing: ["beta"],
  counts: addedUp(byKey),
  byKey,
  perMinute: 1,
  unresolved: 0,
  failures: [aFailure({ customer: "acme", plan: "paid" }), aFailure({ customer: "acme" }), aFailure({ user: "ada" })],
  customersAffected: 2,
  verdict: { level: "ok", isTooFew: false, worseThanStable: undefined, worseThanBefore: undefined },
};

const briefly = (by: Dimension, exposures: readonly Exposure[] = []) =>
  slicesOf(health, by, exposures).map(({ value, failed, tried, estimated }) => [value, failed, tried, estimated]);

describe("a version's first attempts", () => {
  it("by alias and type are as they were counted, those that failed most first, then those that were tried most", () => {
    expect(briefly("alias")).toEqual([
      ["beta", 6, 90, false],
      ["branch", 0, 10, false],
    ]);
    expect(briefly("type")).toEqual([
      ["order paid", 3, 60, false],
      ["order placed", 3, 40, false],
    ]);
    expect(slicesOf(health, "alias", [])[0]).toMatchObject(of);
  });

  it("by error say how many failed of it, and not how many tried", () => {
    expect(slicesOf(health, "error", [])).toEqual([
      { ...of, value: "Broken: it broke", failed: 5, estimated: false },
      { ...of, value: "Timeout", failed: 1, estimated: false },
    ]);
  });

  it("by subject are estimated from the sample of the same component and version", () => {
    const seen = [
      ...Array.from({ length: 3 }, () => anExposure({ customer: "acme" })),
      anExposure({ customer: "globex" }),
      ...Array.from({ length: 9 }, () => anExposure({ customer: "acme" }, { version: "1" })),
      ...Array.from({ length: 9 }, () => anExposure({ customer: "globex" }, { component: "mailer" })),
    ];
    expect(briefly("customer", seen)).toEqual([
      ["acme", 2, 75, true],
      ["", 1, 1, true],
      ["globex", 0, 25, true],
    ]);
  });

  it.each<[Dimension, (string | number | undefined | boolean)[][]]>([
    [
      "customer",
      [
        ["acme", 2, 2, true],
        ["", 1, 1, true],
      ],
    ],
    [
      "user",
      [
        ["", 2, 2, true],
        ["ada", 1, 1, true],
      ],
    ],
    [
      "plan",
      [
        ["", 2, 2, true],
        ["paid", 1, 1, true],
      ],
    ],
    ["project", [["", 3, 3, true]]],
  ])("by %s have tried as often as they have failed, where no sample has seen them", (by, expected) => {
    expect(briefly(by)).toEqual(expected);
  });

  it("that failed and were tried alike stand in the order of their names", () => {
    const alike = { ...health, byKey: ["b", "a", "c"].map((alias) => aCount(alias, "x", 5, 1)) };
    expect(slicesOf(alike, "alias", []).map(({ value }) => value)).toEqual(["a", "b", "c"]);
  });

  it("are nothing of what was only put off", () => {
    const idle = { ...health, byKey: [aCount("beta", "x", 5, 1), aCount("branch", "x", 0, 0)] };
    expect(slicesOf(idle, "alias", []).map(({ value }) => value)).toEqual(["beta"]);
  });
});
