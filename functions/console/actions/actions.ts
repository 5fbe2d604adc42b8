import type { Action } from "./action.ts";
import { actionName } from "./action-command.ts";
import { promoteAction, rollbackAction, setAliasAction } from "./move-actions.ts";
import { pinAction, unpinAction } from "./pin-action.ts";
import { allStableAction, endRolloutAction, freezeAction, setRolloutAction, unfreezeAction } from "./rule-actions.ts";

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
];

/** Every action by its name in an address: `/console/do/NAME`. */
export const actions: ReadonlyMap<string, Action> = new Map(all.map((action) => [actionName(action), action]));
