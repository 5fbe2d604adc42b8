import { createHash } from "node:crypto";
import { readShare } from "../../../shared/domain/routing/rollout.ts";
import {
  allToStable,
  endingRollout,
  freezing,
  rollingOut,
  rulesAgain,
  unfreezing,
} from "../../../shared/installation/changes/asked-rules.ts";
import type { Action, Asked } from "./action.ts";
import { aliasChoices, aliasIn, componentField, must, needed, periodFields, periodIn, wrong } from "./given.ts";
import { plannedChange } from "./planned-change.ts";

const component = { ...componentField, isArgument: true } as const;

const said = ({ who, reason, now }: Asked) => ({ who, why: reason, at: now.toISOString() });

const shareIds = ["project", "customer", "user"] as const;

export const setRolloutAction: Action = {
  command: ["rollout", "set"],
  title: "Roll out",
  about: "Sends a share of a component's subjects to an alias. Who is in it stays in it when the share is raised.",
  right: "change the routing",
  fields: [
    component,
    { name: "to", label: "To the alias", kind: "choice", required: true, choices: aliasChoices },
    { name: "share", label: "Share", hint: "Such as 5% or 0.25%.", kind: "text", required: true },
    {
      name: "by",
      label: "By",
      hint: "Which id decides who is in it.",
      kind: "choice",
      required: true,
      choices: shareIds,
    },
    ...periodFields,
    { name: "reshuffle", label: "Draw anew who is in the share", kind: "flag" },
  ],
  async plan(asked) {
    const { given, now } = asked;
    const by = shareIds.find((each) => each === given.get("by"));
    if (by === undefined) throw wrong(`By: choose one of ${shareIds.join(", ")}.`);
    const about = {
      alias: aliasIn(given, "to", "To the alias"),
      basisPoints: must(readShare(needed(given, "share", "Share")), "Share"),
      by,
      salt: await saltOf(asked),
      when: periodIn(given, now),
      reshuffle: given.has("reshuffle"),
    };
    return plannedChange(asked, rollingOut(needed(given, "component", "Component"), about, now));
  },
};

/**
 * Of the component and the revision that it is planned on: whom the form shows is whom it takes, and no two rollouts
 * take the same. A rollout that stands keeps its own.
 */
async function saltOf({ installation, given }: Asked): Promise<string> {
  const revision = await installation.routingTable.head();
  return createHash("sha256")
    .update(`${revision} ${given.get("component")}`)
    .digest("hex")
    .slice(0, 16);
}

export const endRolloutAction: Action = {
  command: ["rollout", "remove"],
  title: "End the rollout",
  about: "Ends a component's rollout: its share goes where the other rules say.",
  right: "change the routing",
  fields: [component],
  plan: (asked) => plannedChange(asked, endingRollout(needed(asked.given, "component", "Component"), asked.now)),
};

export const allStableAction: Action = {
  command: ["all-stable"],
  title: "All stable",
  about:
    "Sends everything of a component to its fallback, whatever its rules say, from the next batch on. The rules stay, " +
    "and count again once this is turned off. Neither a freeze nor a guardrail stands against it.",
  right: "change the routing",
  fields: [component, { name: "off", label: "Off: let the rules count again", kind: "flag" }],
  async plan(asked) {
    const { installation, given, now } = asked;
    const name = needed(given, "component", "Component");
    const change = given.has("off")
      ? rulesAgain(installation, name, now)
      : allToStable(installation, name, said(asked), now);
    return plannedChange(asked, await change);
  },
};

export const freezeAction: Action = {
  command: ["freeze"],
  title: "Freeze",
  about: "Stops every change of the routing but those that take something back.",
  right: "change the routing",
  fields: [],
  plan: async (asked) => plannedChange(asked, await freezing(asked.installation, said(asked), asked.now)),
};

export const unfreezeAction: Action = {
  command: ["unfreeze"],
  title: "Unfreeze",
  about: "Allows changes again.",
  right: "change the routing",
  fields: [],
  async plan(asked) {
    const { frozen, ...change } = await unfreezing(asked.installation, asked.now);
    const planned = await plannedChange(asked, change);
    const since = frozen === undefined ? [] : [`frozen by ${frozen.who} since ${frozen.at}: ${frozen.why}`];
    return { ...planned, lines: [...since, ...planned.lines] };
  },
};
