import { describe, expect, it } from "vitest";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import { planPublication, publishVersion } from "../../../shared/flows/versions/publish-version.ts";
import { MOVED_AT, someAliases } from "../../support/alias-moves.ts";
import { aComponent } from "../../support/builders.ts";

const mailer = aComponent({ name: "mailer", aliases: ["stable"] });
const by = { who: "ada", why: "a test", command: "turnout publish-version mailer" };

/** A publication of version 2, which has stable moved to it unless it is told otherwise. */
async function aPublication(alias: string | null = "stable", publishedAs?: string) {
  const aliases = someAliases();
  const ports = { ...aliases.ports, now: () => MOVED_AT };
  const plan = await planPublication(ports, mailer, alias, publishedAs, MOVED_AT);
  const publish = (make: () => Promise<{ version: string }> = async () => ({ version: "2" })) =>
    publishVersion(ports, plan, make, by);
  return { ...aliases, plan, publish };
}

describe("the publication of a version", () => {
  it("is planned with the move of its alias, and changes nothing by that", async () => {
    const { plan, log, stable } = await aPublication();
    const move = { component: "mailer", alias: "stable", from: "1", to: "its new version" };
    expect(plan).toMatchObject({ from: "1", move, preview: { objections: [] } });
    expect((await aPublication("stable", "7")).plan.move).toEqual({ ...move, to: "7" });
    expect([await log(), stable()]).toEqual([[], "1"]);
  });

  it("is followed by the move, which is logged", async () => {
    const { publish, log, stable } = await aPublication();
    const move = { component: "mailer", alias: "stable", from: "1", to: "2" };
    expect(await publish()).toEqual({ version: { version: "2" }, moved: { move, revision: 2 } });
    expect([await log(), stable()]).toEqual([["1 → 2 intended", "1 → 2 settled"], "2"]);
  });

  it("isn't counted again whom it moves, where that was planned and nobody has come since", async () => {
    const { plan, ports, change } = await aPublication();
    let counts = 0;
    const records: typeof ports.events.records = async function* () {
      counts++;
      yield [];
    };
    const counting = { ...ports, now: () => MOVED_AT, events: { ...ports.events, records } };
    await change({ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, maxCustomersOff: 5 } });
    const guarded = await planPublication(counting, mailer, "stable", undefined, MOVED_AT);
    counts = 0;
    await publishVersion(counting, guarded, async () => ({ version: "2" }), by);
    expect([counts, plan.from]).toEqual([0, "1"]);
  });

  it("moves nothing when it fails", async () => {
    const { publish, log, stable } = await aPublication();
    await expect(publish(() => Promise.reject(new Error("no code")))).rejects.toThrow("no code");
    expect([await log(), stable()]).toEqual([[], "1"]);
  });

  it.each<[string, string | null, string | undefined]>([
    ["without an alias", null, undefined],
    ["of code that the alias points at already", "stable", "1"],
  ])("moves nothing %s", async (_, alias, publishedAs) => {
    const { plan, publish, log } = await aPublication(alias, publishedAs);
    expect([plan.move, plan.preview]).toEqual([undefined, undefined]);
    expect(await publish()).toEqual({ version: { version: "2" }, moved: undefined });
    expect(await log()).toEqual([]);
  });

  it("moves nothing when it came to the version that the alias points at", async () => {
    const { publish, log } = await aPublication();
    expect((await publish(async () => ({ version: "1" }))).moved).toBeUndefined();
    expect(await log()).toEqual([]);
  });
});
