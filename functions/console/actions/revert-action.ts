import { readRevisions } from "../../../shared/domain/routing/revision-ranges.ts";
import { reverting } from "../../../shared/installation/changes/asked-revert.ts";
import type { Action } from "./action.ts";
import { must, needed } from "./given.ts";
import { plannedChange } from "./planned-change.ts";

export const revertAction: Action = {
  command: ["revert"],
  title: "Revert",
  about:
    "Puts what changes did back to what was before, as new changes. What has been set anew since is left as it is.",
  right: "change the routing",
  fields: [
    {
      name: "revisions",
      label: "Revisions",
      hint: "Such as 42, or 42..57.",
      kind: "text",
      required: true,
      isArgument: true,
    },
  ],
  async plan(asked) {
    const { installation, given, now } = asked;
    needed(given, "revisions", "Revisions");
    // An undo names each range by itself.
    const ranges = given.getAll("revisions").flatMap((text) => text.split(/[\s,]+/));
    const revisions = ranges.flatMap((range) => must(readRevisions(range), range));
    const { asked: change, stays } = await reverting(installation, revisions, ranges.join(" "), now);
    return plannedChange(asked, { ...change, warnings: [...(change.warnings ?? []), ...stays] });
  },
};
