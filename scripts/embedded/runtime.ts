import { randomUUID } from "node:crypto";
import { routerHandler } from "../../functions/router.ts";
import type { DeliveryReport } from "../../shared/domain/delivery-report.ts";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import type { EmbeddedSettings } from "../../shared/settings.ts";
import { workerTarget } from "../../shared/targets/worker-target.ts";
import { startEventSource } from "./event-source.ts";
import { startFrontDoor } from "./front-door.ts";
import { lockServer } from "./server-lock.ts";

/** A running Turnout: front door, queue, router and the versions' worker threads in one process. */
export type Runtime = Awaited<ReturnType<typeof startRuntime>>;

export type RuntimeOptions = {
  settings: EmbeddedSettings;
  report: (report: DeliveryReport) => void;
  onError: (error: unknown) => void;
};

/**
 * Starts everything on one state folder. Whatever a process that was killed left claimed or hidden is taken up at
 * once: the lock proves that nobody else holds it.
 * @throws TurnoutError when the folder is in use or can't be written, or the port is taken
 */
export async function startRuntime({ settings, report, onError }: RuntimeOptions) {
  const now = () => new Date();
  const state = openEmbeddedState(settings.home, { create: true });
  const closing: (() => unknown)[] = [() => state.close()];
  const close = async () => {
    for (const step of closing.reverse()) await step();
  };
  try {
    const lock = lockServer(settings.home);
    closing.push(() => lock.release());
    await Promise.all([state.queue.releaseAll(now()), state.events.endLeases(now())]);

    const workers = workerTarget({ resolve: state.catalog.resolve, logs: state.logs, now });
    closing.push(() => workers.close());
    const handler = routerHandler({
      routing: routingCache(state.routingTable),
      events: state.events,
      target: workers.send,
      queue: state.queue,
      now,
      random: Math.random,
      newId: randomUUID,
      delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref()),
      report,
    });
    const source = startEventSource({ queue: state.queue, handler, now, onError });
    closing.push(() => source.stop());

    const door = await startFrontDoor({
      queue: state.queue,
      port: settings.port,
      now,
      newId: randomUUID,
      onAccepted: source.wake,
      health: async () => {
        const trouble = state.database.trouble();
        if (trouble !== undefined) throw new TurnoutError("failed", trouble);
        return {
          status: "ok",
          revision: await state.routingTable.head(),
          queue: await state.queue.depth(now()),
        };
      },
    });
    closing.push(() => door.stop());
    lock.announce(door.port);
    return { state, url: door.url, port: door.port, wake: source.wake, close };
  } catch (error) {
    await close();
    throw error;
  }
}
