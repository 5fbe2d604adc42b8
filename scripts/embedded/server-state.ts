import { join } from "node:path";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { type EmbeddedState, openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { stuckMessages } from "../../shared/flows/deliver/stuck-messages.ts";
import type { KeptWrites } from "../../shared/flows/kept-writes.ts";
import { FREE_STUCK } from "../../shared/installation/examine-embedded.ts";
import { quickCheck } from "../../shared/sqlite/quick-check.ts";

export type ServerStateOptions = {
  now: () => Date;
  /** Takes the clock as right though the state was in use at another time. */
  trustClock: boolean;
  /** Told of what is wrong, but doesn't keep the server from starting. */
  onError: (error: unknown) => void;
};

/**
 * Opens the state for a server, which has it alone: brings an older one up to date, and takes up at once whatever a
 * process that was killed left hidden.
 * @throws TurnoutError when the state is damaged, or the clock is behind what the state has seen
 */
export async function openServerState(home: string, { now, trustClock, onError }: ServerStateOptions) {
  const state = openEmbeddedState(home, { create: true, upgrade: true });
  let check: Awaited<ReturnType<typeof quickCheck>> | undefined;
  const close = async () => {
    await check?.stop();
    state.close();
  };
  try {
    if (trustClock) await state.clock.trust(now());
    const clockProblem = state.clock.problem(now());
    if (clockProblem !== undefined && state.clock.isBehind(now())) throw clockProblem;
    if (clockProblem !== undefined) onError(clockProblem);
    await state.clock.observe(now(), performance.now());
    check = await quickCheck(state.database, join(home, "state.db"));
    const damage = state.database.trouble();
    if (damage !== undefined) throw damage;
    void check.done.then(() => {
      const found = state.database.trouble();
      if (found !== undefined) onError(found);
    });
    await Promise.all([state.queue, state.deadLetters, state.outcomes].map((queue) => queue.becomeOnlyConsumer()));
    return { state, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @throws TurnoutError `failed` when the store takes no writes, or something waits longer than it should */
export async function refuseTrouble(state: EmbeddedState, kept: KeptWrites, now: Date): Promise<void> {
  const trouble = state.database.trouble();
  if (trouble !== undefined) throw trouble;
  const waiting = kept.oldest();
  if (waiting !== undefined) {
    const { count, since, why } = waiting;
    const { message, remedies } = why instanceof TurnoutError ? why : { message: String(why), remedies: [] };
    const told = `${count} writes are tried again, the first since ${since.toISOString()}: ${message}`;
    throw new TurnoutError("failed", told, { remedies });
  }
  const stuck = await stuckMessages(state, now);
  if (stuck > 0) {
    throw new TurnoutError("failed", `${stuck} messages are stuck in flight: longer than any component may take.`, {
      remedies: [FREE_STUCK],
    });
  }
}
