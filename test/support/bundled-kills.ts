import type { Watch } from "./bundled-wire.ts";

export type KillsOptions = {
  kills: number;
  /** How many events go through, in batches of ten. */
  events: number;
  random: () => number;
  /** Ends the process whose session token this is. */
  kill: (token: string) => unknown;
};

/** Sends; claims and closes; records. */
const OPERATIONS = ["Invoke", "BatchExecuteStatement", "BatchWriteItem"];

/**
 * Kills routers, one after the other, each at one of its requests: before it was served, or before its answer came. When
 * and at what, chance says; all within as many requests as so many events take.
 */
export function routerKills({ kills, events, random, kill }: KillsOptions) {
  const perKill = (events / kills) * 0.8;
  const plan = Array.from({ length: kills }, (_, n) => {
    const operation = OPERATIONS[n % OPERATIONS.length] ?? "";
    const moment = random() < 0.5 ? ("arrived" as const) : ("served" as const);
    return { operation, moment, passes: Math.floor(random() * (operation === "Invoke" ? perKill : perKill / 10)) };
  });
  const done: string[] = [];
  const watch: Watch = ({ token, operation }, moment) => {
    const [next] = plan;
    if (next === undefined || !token.startsWith("router/")) return undefined;
    if (operation !== next.operation || moment !== next.moment || next.passes-- > 0) return undefined;
    plan.shift();
    done.push(`${operation} ${moment}`);
    kill(token);
    return "lost";
  };
  return { watch, done };
}
