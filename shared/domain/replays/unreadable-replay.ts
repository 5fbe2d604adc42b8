import { TurnoutError } from "../errors.ts";
import type { Replay, ReplayName } from "./replay.ts";

/** A stored replay that can't be read: what stands beside its text, and what is wrong with that. Nobody drives it. */
export class UnreadableReplay {
  readonly name: ReplayName;
  readonly requestedAt: Date;
  /** What is wrong and where, e.g. `replay.window.from: expected an instant …`. */
  readonly problem: string;

  constructor({ name, requestedAt }: Pick<Replay, "name" | "requestedAt">, problem: string) {
    this.name = name;
    this.requestedAt = requestedAt;
    this.problem = problem;
  }
}

/** Thrown when a replay is asked for by name, and what is stored of it can't be read. */
export class ReplayUnreadable extends TurnoutError {
  override readonly name = "ReplayUnreadable";
  readonly replay: ReplayName;
  readonly problem: string;

  constructor({ name, problem }: UnreadableReplay) {
    super(
      "failed",
      `What is stored of replay '${name}' can't be read: ${problem}. Nobody runs it, and what it delivered is as it was. ` +
        "What is still to be delivered again takes a new replay of another name.",
      { remedies: [{ operation: "list replayed", replay: name }] },
    );
    this.replay = name;
    this.problem = problem;
  }
}

/** Those that can be read. */
export function readableReplays(replays: readonly (Replay | UnreadableReplay)[]): Replay[] {
  return replays.filter((replay): replay is Replay => !(replay instanceof UnreadableReplay));
}
