import type { Around } from "../support/port-calls.ts";
import type { Steps } from "./step-by-step.ts";

/** What a simulated store, queue or network breaks with. */
export class InjectedFault extends Error {}

export type Trouble = {
  /** Chance that a call fails, drawn before it takes effect and again before it answers. */
  fails: number;
  /** Chance that the whole process ends there. */
  crashes: number;
};

/** One process among others: its calls wait for their turn, may fail, and never answer once it has crashed. */
export function simulatedProcess(steps: Steps, random: () => number, trouble: () => Trouble, onCrash: () => void) {
  let alive = true;

  /** A moment at which something can go wrong: a call on its way there, or its answer on its way back. */
  async function moment(call: string): Promise<void> {
    await steps.turn();
    if (alive) {
      const drawn = random();
      const { fails, crashes } = trouble();
      if (drawn >= crashes + fails) return;
      if (drawn >= crashes) throw new InjectedFault(call);
      alive = false;
      onCrash();
    }
    await new Promise<never>(() => {});
  }

  const around: Around = async (call, work) => {
    await moment(`${call} never arrived`);
    const value = await steps.work(work);
    await moment(`${call} never answered`);
    return value;
  };
  return { moment, around };
}
