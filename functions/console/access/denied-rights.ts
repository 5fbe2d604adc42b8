import type { AccessDenied } from "../../../shared/aws/explain-error.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { Denied, Right } from "./role.ts";

export type DeniedRights = {
  of(now: Date): Promise<Denied>;
  /** Remembers for a while what AWS has denied, of what can't be asked beforehand. */
  learn(right: Right, denied: AccessDenied, now: Date): void;
};

/** A right that is given or taken away is found so soon. */
const ASKED_EVERY_MS = 60_000;
const REMEMBERED_MS = 5 * 60_000;

/** Whoever changes anything calls the committer first, and whoever replays the replayer. */
const NEEDED = {
  "change the routing": "committer",
  "move versions": "committer",
  "replay events": "replayer",
} as const satisfies Record<Right, string>;

/** Asks AWS before anybody presses a button, as far as it can be asked without doing anything, and else learns from it. */
export function deniedRights({ deniedCalls }: Pick<Installation, "deniedCalls">): DeniedRights {
  let asked: { at: Date; calls: ReturnType<typeof deniedCalls> } | undefined;
  const learned = new Map<Right, { at: Date; denied: AccessDenied }>();
  return {
    async of(now) {
      if (asked === undefined || now.getTime() - asked.at.getTime() >= ASKED_EVERY_MS) {
        asked = { at: now, calls: deniedCalls() };
      }
      const calls = await asked.calls;
      const told: Partial<Record<Right, string>> = {};
      for (const [right, { at, denied }] of learned) {
        const until = new Date(at.getTime() + REMEMBERED_MS);
        if (until <= now) learned.delete(right);
        else
          told[right] =
            `${denied.message} AWS said so at ${timeOf(at)}; it may be tried again from ${timeOf(until)} on.`;
      }
      for (const right of Object.keys(NEEDED) as Right[]) {
        const denied = calls[NEEDED[right]];
        if (denied !== undefined) told[right] = denied.message;
      }
      return told;
    },
    learn(right, denied, now) {
      learned.set(right, { at: now, denied });
    },
  };
}

/** E.g. `10:42 UTC`. */
function timeOf(at: Date): string {
  return `${at.toISOString().slice(11, 16)} UTC`;
}
