import { TurnoutError } from "./errors.ts";

/**
 * The number of everything that is stored: the state file with the bodies and versions beside it, a backup, and on AWS
 * the routing table, the event table and the bodies of its events. Every change of a stored form raises it; one step
 * more in `shared/sqlite/layout-steps.ts` brings a state file there, and one more recorded state in `test/layouts`
 * shows that it does. A body has no number of its own: the row that names it has.
 *
 * 2: the last one before rows on AWS said a number. 3: they do.
 */
export const LAYOUT = 3;

/** Thrown when something stored was written by a newer Turnout than this one, which leaves it as it is. */
export class NewerLayout extends TurnoutError {
  override readonly name = "NewerLayout";

  /** @param what begins the sentence, e.g. `The state file /srv/state.db` */
  constructor(what: string, layout: number) {
    super("not allowed", `${what} has layout ${layout}; this Turnout knows up to ${LAYOUT}. Use the newer Turnout.`);
  }
}
