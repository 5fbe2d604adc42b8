import type { TakenOff, Watch } from "../../domain/health/watch.ts";
import { worseForOneNotice, worseNotice } from "../../domain/notices/guard-verdict-notice.ts";
import type { Component } from "../../domain/routing/component.ts";
import type { AliasedVersion } from "../../versions/version-catalog.ts";
import { actOnTrip } from "./act-on-trip.ts";
import type { GuardPorts } from "./guard-ports.ts";
import { takeOff, withoutThem } from "./take-off.ts";

/** For how long a guard that says nothing is taken to be about what it does. */
const KEEPER_LEASE_MS = 60_000;

/** Goes on with what a guard was about, unless another is at it. */
export async function carryOn(
  ports: GuardPorts,
  component: Component,
  watch: Watch,
  targets: readonly AliasedVersion[],
): Promise<void> {
  const { watches, now, newId } = ports;
  if (watch.keeper !== undefined && new Date(watch.keeper.until) > now()) return;
  const keeper = () => ({ id: newId(), until: new Date(now().getTime() + KEEPER_LEASE_MS).toISOString() });
  let held = await watches.put({ ...watch, keeper: keeper() });
  if (held === undefined) return;
  if (held.trip === undefined) return takeThemOff(ports, component, held, targets);
  await actOnTrip(ports, component, { ...held, trip: held.trip }, targets, async ({ trip, waits }) => {
    if (held === undefined) return undefined;
    const { waits: _, keeper: __, ...rest } = held;
    // Before it is ended: whoever takes it up after a crash tells it again, as the same event.
    if (trip.stage === "ended") await ports.notify(worseNotice(component, held, trip));
    const isOn = trip.stage !== "ended" && waits === undefined;
    held = await watches.put({
      ...rest,
      trip,
      ...(waits !== undefined && { waits }),
      ...(isOn && { keeper: keeper() }),
    });
    return held;
  });
}

/** Takes off whoever was found, one after the other: one for whom nothing can be done now waits with those behind. */
async function takeThemOff(
  ports: GuardPorts,
  component: Component,
  held: Watch,
  targets: readonly AliasedVersion[],
): Promise<void> {
  const { waits: _, keeper: __, ...rest } = held;
  const taken: TakenOff[] = [];
  let waiting: string | undefined;
  for (const one of held.taken ?? []) {
    const step = one.stage === "ended" ? { taken: one } : await takeOff(ports, component, held, one, targets);
    if (step.taken !== one && step.taken.stage === "ended")
      await ports.notify(worseForOneNotice(component, held, step.taken));
    waiting ??= step.waits;
    taken.push(step.taken);
  }
  const isMoved = taken.some((one, n) => one !== held.taken?.[n] && one.mode !== "watch");
  const watch = isMoved ? withoutThem({ ...rest, taken }, ports.now()) : { ...rest, taken };
  await ports.watches.put({ ...watch, ...(waiting !== undefined && { waits: waiting }) });
}
