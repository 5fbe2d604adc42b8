import type { Action } from "./action.ts";
import { actionName } from "./action-command.ts";
import { clearGuardAction, setGuardAction } from "./guard-actions.ts";
import { promoteAction, rollbackAction, setAliasAction } from "./move-actions.ts";
import { pinAction, unpinAction } from "./pin-action.ts";
import { abortReleaseAction, pauseReleaseAction, resumeReleaseAction } from "./release-actions.ts";
import { startReleaseAction } from "./release-start-action.ts";
import { cancelReplayAction, pauseReplayAction, resumeReplayAction } from "./replay-actions.ts";
import { startReplayAction } from "./replay-start-action.ts";
import { revertAction } from "./revert-action.ts";
import { allStableAction, endRolloutAction, freezeAction, setRolloutAction, unfreezeAction } from "./rule-actions.ts";
import { undoAction } from "./undo-action.ts";

const all: readonly Action[] = [
  pinAction,
  unpinAction,
  setRolloutAction,
  endRolloutAction,
  allStableAction,
  freezeAction,
  unfreezeAction,
  promoteAction,
  rollbackAction,
  setAliasAction,
  revertAction,
  setGuardAction,
  clearGuardAction,
  startReleaseAction,
  pauseReleaseAction,
  resumeReleaseAction,
  abortReleaseAction,
  startReplayAction,
  pauseReplayAction,
  resumeReplayAction,
  cancelReplayAction,
  undoAction,
];

/** Every action by its name in an address: `/console/do/NAME`. */
export const actions: ReadonlyMap<string, Action> = new Map(all.map((action) => [actionName(action), action]));
