import { UnreadableReplay } from "../domain/replays/unreadable-replay.ts";
import { type Finding, warning } from "./finding.ts";
import type { Installation } from "./installation.ts";

/** The newest are looked at. */
const LOOKED_AT = 1_000;

/** Names the replays that can't be read. There is nothing to be done about them but to start others. */
export async function examineReplays({ replays }: Pick<Installation, "replays">): Promise<Finding[]> {
  const newest = await replays.list(LOOKED_AT);
  return newest
    .filter((replay) => replay instanceof UnreadableReplay)
    .map(({ name, problem }) =>
      warning(
        `replay ${name}`,
        `can't be read: ${problem}`,
        "Nobody runs it, and what it delivered stays as it is. What is still to be delivered again takes a new replay",
      ),
    );
}
