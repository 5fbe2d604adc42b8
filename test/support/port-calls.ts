/** Stands around a call of a port; `work` does what the call does. */
export type Around = <T>(call: string, work: () => Promise<T>) => Promise<T>;

/** The port with `around` about these of its methods; the call's name is the method's. */
export function surrounded<P extends object>(port: P, methods: readonly (keyof P & string)[], around: Around): P {
  const changed: P = { ...port };
  for (const method of methods) {
    const call = port[method] as (...args: unknown[]) => Promise<unknown>;
    changed[method] = ((...args: unknown[]) => around(method, () => call(...args))) as P[typeof method];
  }
  return changed;
}

/** `before`: the call has no effect. `after`: it has taken effect, but its answer hasn't arrived. */
export type When = "before" | "after";

type Held = { reached: () => boolean; release: () => void };
type Plan = { call: string; when: When; act: () => Promise<void> };

/** Logs calls, and fails or holds the next one of a name when a test asks for it. */
export function portCalls() {
  const made: string[] = [];
  const plans: Plan[] = [];

  function take(call: string, when: When): Plan["act"] {
    const index = plans.findIndex((plan) => plan.call === call && plan.when === when);
    return plans.splice(index, index < 0 ? 0 : 1)[0]?.act ?? (async () => {});
  }

  const around: Around = async (call, work) => {
    made.push(call);
    const [before, after] = [take(call, "before"), take(call, "after")];
    await before();
    const value = await work();
    await after();
    return value;
  };

  return {
    around,
    made,
    /** The calls made since the last time this was asked. */
    since: () => made.splice(0),
    fail(call: string, when: When = "before", error = new Error(`${call} failed`)): void {
      plans.push({ call, when, act: () => Promise.reject(error) });
    },
    hold(call: string, when: When = "before"): Held {
      const gate = Promise.withResolvers<void>();
      let reached = false;
      const act = () => {
        reached = true;
        return gate.promise;
      };
      plans.push({ call, when, act });
      return { reached: () => reached, release: gate.resolve };
    },
  };
}

/** Lets the event loop turn until the condition holds: all that can go on without a clock goes on. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) {
    if (await condition()) return;
    await nextTurn();
  }
  throw new Error(`this didn't come about: ${condition}`);
}

/** A turn of the event loop: whatever had its answer has gone on. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
