import { expect, it } from "vitest";
import { changeComponent } from "../../scripts/commands/changes/change-component.ts";
import { aRoutedCli } from "../support/cli-process.ts";

it("A pin that is made while an alias is being removed is a conflict, and the alias stays", async () => {
  const { edit, withState } = await aRoutedCli();
  const component = "release-coordinator";
  const plannedOn = await withState(({ routingTable }) => routingTable.head());
  const pin = { alias: "beta", who: "bob", why: "x", at: "2026-01-01T00:00:00.000Z" };
  await edit([{ kind: "pin", level: "customer", id: "acme", component, pin }]);
  await withState(async (state) => {
    const removing = changeComponent(
      { ...state, who: async () => "ada" },
      { reason: "merged", yes: true, json: true },
      { component, change: { remove: "alias", alias: "beta" }, what: "", alreadySo: "", plannedOn, now: new Date() },
    );
    await expect(removing).rejects.toMatchObject({
      kind: "conflict",
      message: expect.stringContaining("at revision 3, not 2"),
    });
    expect(await state.routingTable.head()).toBe(plannedOn + 1);
  });
});
