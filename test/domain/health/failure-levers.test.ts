import { describe, expect, it } from "vitest";
import type { Failure } from "../../../shared/domain/health/failure.ts";
import { type FailureFilter, leversOf } from "../../../shared/domain/health/failure-levers.ts";
import type { Trait } from "../../../shared/domain/health/trait.ts";

const VERSIONS = { stable: "1", beta: "2" };
type Aliased = keyof typeof VERSIONS;
const TARGETS = Object.entries(VERSIONS).map(([alias, version]) => ({ alias, version }));
const on = (...aliases: Aliased[]) => aliases.map((alias) => ({ alias, version: VERSIONS[alias] }) as Failure);
const levers = (traits: Trait[], failures = on("beta"), asked: FailureFilter = {}, targets = TARGETS) =>
  leversOf(traits, failures, { name: "mailer", fallbackAlias: "stable", targets }, asked);

describe("what acts on failures", () => {
  it("is a pin where they are somebody's, unless those are on the fallback alias already", () => {
    const traits: Trait[] = [{ of: "customer", value: "acme" }];
    expect(levers(traits)).toEqual({
      filter: { component: "mailer", customer: "acme" },
      pin: { level: "customer", id: "acme", to: "stable" },
    });
    expect(levers(traits, on("stable"))).not.toHaveProperty("pin");
    expect(levers([{ of: "customer", value: "" }])).toEqual({});
  });

  it("is the rollback of the alias that most of them went by, where they are a version's or an alias's", () => {
    expect(levers([{ of: "version", value: "2" }], on("stable", "beta", "beta"))).toEqual({
      filter: { component: "mailer", executedVersion: "2" },
      rollBack: "beta",
    });
    expect(levers([{ of: "alias", value: "beta" }]).rollBack).toBe("beta");
    expect(levers([{ of: "type", value: "order" }])).not.toHaveProperty("rollBack");
    expect(levers([{ of: "version", value: "2" }], [])).not.toHaveProperty("rollBack");
  });

  it("is no rollback of an alias that points elsewhere by now", () => {
    const traits: Trait[] = [{ of: "version", value: "2" }];
    const targets = TARGETS.map(({ alias }) => ({ alias, version: "1" }));
    expect(levers(traits, on("beta"), {}, targets)).not.toHaveProperty("rollBack");
    expect(levers(traits, on("beta"), {}, [])).not.toHaveProperty("rollBack");
  });

  it("is a pin, and no rollback, where a version fails for somebody", () => {
    const found = levers([
      { of: "version", value: "2" },
      { of: "project", value: "site" },
    ]);
    expect(found.pin).toEqual({ level: "project", id: "site", to: "stable" });
    expect(found).not.toHaveProperty("rollBack");
  });

  it("is the pin of whom a pin acts on first, of those that were asked for, and nobody's where nobody was", () => {
    const type: Trait[] = [{ of: "type", value: "order" }];
    const asked = { plan: "paid", customer: "acme", user: "ada" };
    expect(levers(type, on("beta"), asked).pin).toEqual({ level: "user", id: "ada", to: "stable" });
    expect(levers(type, on("beta"), { alias: "beta" })).toEqual({
      filter: { component: "mailer", alias: "beta", pattern: { "detail-type": ["order"] } },
    });
    expect(levers(type, on("beta", "stable", "stable"), { customer: "acme" })).not.toHaveProperty("pin");
  });

  it("is the pin of whoever was asked for, and keeps what was asked for in its filter", () => {
    expect(levers([{ of: "type", value: "order" }], on("beta"), { version: "2", project: "site" })).toEqual({
      filter: { component: "mailer", project: "site", executedVersion: "2", pattern: { "detail-type": ["order"] } },
      pin: { level: "project", id: "site", to: "stable" },
    });
  });
});
