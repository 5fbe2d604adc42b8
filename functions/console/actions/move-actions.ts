import { promoting, rollingBack, settingAlias } from "../../../shared/installation/changes/asked-move.ts";
import type { Action, ActionField } from "./action.ts";
import { aliasIn, componentField, needed } from "./given.ts";
import { plannedMove } from "./planned-move.ts";
import { notedAliasChoices, placedAliasChoices, versionChoices } from "./version-choices.ts";

const component: ActionField = { ...componentField, isArgument: true };
const alias: ActionField = {
  name: "alias",
  label: "Alias",
  kind: "choice",
  required: true,
  isArgument: true,
  choices: placedAliasChoices,
};

export const promoteAction: Action = {
  command: ["promote"],
  title: "Promote",
  about: "Points one alias at the version behind another, which keeps it too.",
  right: "move versions",
  fields: [
    component,
    { ...alias, name: "source", label: "The alias whose version is promoted", choices: notedAliasChoices },
    { ...alias, label: "The alias that gets it" },
  ],
  async plan(asked) {
    const { installation, given } = asked;
    const [source, to] = [aliasIn(given, "source", "The alias it comes from"), aliasIn(given, "alias", "The alias")];
    return plannedMove(asked, await promoting(installation, needed(given, "component", "Component"), source, to));
  },
};

export const rollbackAction: Action = {
  command: ["rollback"],
  title: "Roll back",
  about:
    "Points an alias at the version that was promoted there before. Again, it goes another step back. Allowed while " +
    "changes are frozen, and past the guardrails.",
  right: "move versions",
  fields: [
    component,
    alias,
    {
      name: "to",
      label: "To the version",
      hint: "Nothing: the one promoted there before.",
      kind: "choice",
      choices: versionChoices,
    },
  ],
  async plan(asked) {
    const { installation, given } = asked;
    const [name, of] = [needed(given, "component", "Component"), aliasIn(given, "alias", "Alias")];
    return plannedMove(asked, await rollingBack(installation, name, of, given.get("to") ?? undefined));
  },
};

export const setAliasAction: Action = {
  command: ["alias", "set"],
  title: "Move an alias",
  about: "Points an alias at a version.",
  right: "move versions",
  fields: [
    component,
    alias,
    { name: "version", label: "Version", kind: "choice", required: true, isArgument: true, choices: versionChoices },
  ],
  async plan(asked) {
    const { installation, given } = asked;
    const [name, of] = [needed(given, "component", "Component"), aliasIn(given, "alias", "Alias")];
    return plannedMove(asked, await settingAlias(installation, name, of, needed(given, "version", "Version")));
  },
};
