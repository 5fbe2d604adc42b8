import { releaseStepNotice } from "../../domain/notices/release-step-notice.ts";
import type { GuardPorts } from "../watch/guard-ports.ts";
import { advanceRelease, type ReleasePorts } from "./advance-release.ts";
import { healRelease } from "./heal-release.ts";
import { judgeRelease } from "./judge-release.ts";

/** A promotion is a few looks: the alias, the rules, the end. */
const LOOKS_AT_ONCE = 4;

/**
 * Advances every release as far as it goes now. What is wrong with one holds up no other.
 * @throws what the first of them has thrown, once all were looked at
 */
export async function advanceReleases(ports: GuardPorts): Promise<void> {
  const errors: unknown[] = [];
  const { components } = await ports.routingTable.components();
  for (const component of components) {
    try {
      for (let look = 0; look < LOOKS_AT_ONCE; look++) {
        const now = ports.now();
        const done = await advanceRelease(releasePorts(ports), component, now);
        const { release } = component;
        const notice = release && done && releaseStepNotice(component.name, release, done, now);
        if (notice !== undefined) await ports.notify(notice);
        if (done === undefined || done.do === "wait" || done.do === "pause") break;
      }
    } catch (error) {
      errors.push(error);
    }
  }
  for (const error of errors) throw error;
}

function releasePorts({ routingTable: table, catalog, events, watches, newId, ...others }: GuardPorts): ReleasePorts {
  return {
    ...{ table, catalog, events, newId },
    judge: (...of) => judgeRelease(watches, ...of),
    heal: (...of) => healRelease({ ...others, table, catalog, events }, ...of),
  };
}
