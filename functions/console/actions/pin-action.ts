import { pinning, unpinning } from "../../../shared/installation/changes/asked-pin.ts";
import type { Action } from "./action.ts";
import {
  aliasChoices,
  aliasIn,
  componentField,
  needed,
  periodFields,
  periodIn,
  subjectFields,
  subjectIn,
} from "./given.ts";
import { plannedChange } from "./planned-change.ts";

export const pinAction: Action = {
  command: ["pin"],
  title: "Pin",
  about: "Sends the events of one user, project, customer or plan to an alias, before all other rules but these.",
  right: "change the routing",
  fields: [
    componentField,
    { name: "to", label: "To the alias", kind: "choice", required: true, choices: aliasChoices },
    ...subjectFields,
    ...periodFields,
    { name: "successor", label: "Successor", hint: "Where they go once that alias is retired.", kind: "text" },
  ],
  async plan(asked) {
    const { installation, given, who, reason, now } = asked;
    const subject = { ...subjectIn(given), component: needed(given, "component", "Component") };
    const pin = {
      ...periodIn(given, now),
      alias: aliasIn(given, "to", "To the alias"),
      ...(given.has("successor") && { successor: aliasIn(given, "successor", "Successor") }),
      who,
      why: reason,
      at: now.toISOString(),
    };
    return plannedChange(asked, await pinning(installation, subject, pin, now));
  },
};

export const unpinAction: Action = {
  command: ["unpin"],
  title: "Unpin",
  about: "Takes a pin away: the events go where the other rules say.",
  right: "change the routing",
  fields: [componentField, ...subjectFields],
  async plan(asked) {
    const { installation, given, now } = asked;
    const subject = { ...subjectIn(given), component: needed(given, "component", "Component") };
    return plannedChange(asked, await unpinning(installation, subject, now));
  },
};
