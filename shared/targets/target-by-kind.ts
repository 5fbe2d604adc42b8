import type { TargetAddress } from "../domain/routing/target-address.ts";
import type { Target } from "./target.ts";

/** Sends by the target of the address's kind. Those that an installation doesn't have fail, and say so. */
export function targetByKind(targets: { [kind in TargetAddress["kind"]]?: Target }): Target {
  return (send) => {
    const { kind } = send.address;
    const target = targets[kind];
    if (target !== undefined) return target(send);
    const message = `a target of kind '${kind}' can't be reached from here; correct the alias's target`;
    return Promise.resolve({ outcome: "failed", error: { type: "WrongTarget", message }, durationMs: 0 });
  };
}

/** A target whose code is loaded by the first event for it: who has no such component pays nothing for it. */
export function onFirstUse(load: () => Promise<Target>): Target {
  let loaded: Promise<Target> | undefined;
  return async (send) => {
    loaded ??= load();
    return (await loaded)(send);
  };
}
