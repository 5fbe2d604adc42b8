import { guardModes } from "../../../shared/domain/routing/guard-rule.ts";
import { guarding, unguarding } from "../../../shared/installation/changes/asked-guard.ts";
import type { Action } from "./action.ts";
import { aliasChoices, aliasIn, componentField, needed, wrong } from "./given.ts";
import { plannedChange } from "./planned-change.ts";

const named = [
  { ...componentField, isArgument: true },
  { name: "alias", label: "Alias", kind: "choice", required: true, isArgument: true, choices: aliasChoices },
] as const;

export const setGuardAction: Action = {
  command: ["guard", "set"],
  title: "Guard",
  about: "Has the version behind an alias compared with stable's now and with what the same customers had before.",
  right: "change the routing",
  fields: [
    ...named,
    {
      name: "mode",
      label: "If it is worse",
      hint: "watch says so, hold stops its release, rollback takes it back, undo delivers again what failed, too.",
      kind: "choice",
      required: true,
      choices: guardModes,
    },
    { name: "all", label: "With undo: run again also what the version has done", kind: "flag" },
  ],
  async plan(asked) {
    const { installation, given, who, reason, now } = asked;
    const mode = guardModes.find((one) => one === given.get("mode"));
    if (mode === undefined) throw wrong(`If it is worse: choose one of ${guardModes.join(", ")}.`);
    const all = given.has("all");
    if (all && mode !== "undo") throw wrong("Only undo runs again what the version has done.");
    const alias = aliasIn(given, "alias", "Alias");
    const guard = { component: needed(given, "component", "Component"), alias, mode, all };
    const said = { who, why: reason, at: now.toISOString() };
    return plannedChange(asked, await guarding(installation, guard, said, now));
  },
};

export const clearGuardAction: Action = {
  command: ["guard", "clear"],
  title: "Guard no more",
  about: "Nobody looks any more whether the version behind the alias is worse.",
  right: "change the routing",
  fields: named,
  async plan(asked) {
    const { given, now } = asked;
    const component = needed(given, "component", "Component");
    return plannedChange(asked, unguarding(component, aliasIn(given, "alias", "Alias"), now));
  },
};
