import { RevisionConflict } from "../../domain/errors.ts";
import { canonical } from "../../domain/text/canonical-json.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import { LOST, lostRaces } from "../lost-races.ts";
import { type CommittedSteps, commitSteps, type StepsRequest } from "./commit-steps.ts";
import { type ChangePreview, previewChange } from "./preview-change.ts";

export type ShownRequest = Omit<StepsRequest, "checked"> & {
  /** Any other change that comes first is a conflict, whatever it changes. */
  expectsRevision: boolean;
};

type CommitPorts = {
  table: RoutingTable;
  events?: StoredEvents;
  newId: () => string;
  /** Waits for a random time, after this many lost races. */
  pause: (lost: number) => Promise<void>;
};

/**
 * Commits an edit as it was shown. Where others come first it is previewed anew, and made all the same if it still does
 * what was shown: to the same rows and the same subjects, with nothing more against it.
 * @throws RevisionConflict when it would do something else by now; what `commitSteps` throws
 */
export async function commitAsShown(
  ports: CommitPorts,
  { expectsRevision, ...request }: ShownRequest,
  shown: ChangePreview,
  onStep: () => void,
): Promise<CommittedSteps> {
  let checked = shown;
  let lost = 0;
  return lostRaces(
    async () => {
      try {
        return await commitSteps(ports, { ...request, checked }, onStep);
      } catch (error) {
        if (!(error instanceof RevisionConflict) || expectsRevision) throw error;
        // Before the preview and not after it: of many who look and commit at the same pace, one at a time comes through.
        await ports.pause(++lost);
        checked = await previewChange(ports.table, request.edit, request.at, ports.events);
        if (!isSame(shown, checked)) throw error;
        return LOST;
      }
    },
    { left: "Nothing was changed. Try again when it is quieter." },
  );
}

/** The last hour's events go on, and the budgets with what others do: neither is this change's doing. */
function isSame(shown: ChangePreview, anew: ChangePreview): boolean {
  return canonical(doingOf(shown)) === canonical(doingOf(anew));
}

function doingOf({ rows, left = [], moves, objections }: ChangePreview) {
  return { rows, left, moves, objections };
}
