import type { Action } from "./action.ts";
import { actionName } from "./action-command.ts";
import { pinAction, unpinAction } from "./pin-action.ts";

const all: readonly Action[] = [pinAction, unpinAction];

/** Every action by its name in an address: `/console/do/NAME`. */
export const actions: ReadonlyMap<string, Action> = new Map(all.map((action) => [actionName(action), action]));
