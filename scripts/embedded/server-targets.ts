import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { untilWritten, type WritePorts } from "../../shared/flows/kept-writes.ts";
import { laptopTarget } from "../../shared/targets/laptop-target.ts";
import { onFirstUse, targetByKind } from "../../shared/targets/target-by-kind.ts";
import { asyncInvocations } from "../../shared/targets/worker/async-invocations.ts";
import { findWalls } from "../../shared/targets/worker/host-walls.ts";
import { lapsedOneAtATime } from "../../shared/targets/worker/one-at-a-time.ts";
import { workerTarget } from "../../shared/targets/worker/worker-target.ts";

export type ServerTargetsOptions = Required<Pick<WritePorts, "random" | "until" | "kept">> & {
  now: () => Date;
  delay: (ms: number) => Promise<void>;
  /** At how many bytes a version's log is put aside. Default 10 MB. */
  logBytes?: number;
  onError: (error: unknown) => void;
};

/** What a server sends events to: versions in hosts of their own, laptops, and URLs, whose code is loaded with the first send. */
export async function openServerTargets(state: EmbeddedState, options: ServerTargetsOptions) {
  const { onError, logBytes, ...writes } = options;
  const { now, random, delay } = writes;
  const telling = new Set<Promise<unknown>>();
  const tell = (record: string, by: Date) => {
    const send = () => state.outcomes.send([record], now());
    const told = untilWritten(writes, send, by).finally(() => telling.delete(told));
    telling.add(told);
    return told;
  };
  const { resolve } = state.catalog;
  const limits = logBytes === undefined ? {} : { logBytes };
  const workers = workerTarget({ resolve, logs: state.logs, ...limits, now, walls: await findWalls() });
  let closeHttp = async () => {};
  const http = onFirstUse(async () => {
    const [{ httpTarget }, { environmentSecret }] = await Promise.all([
      import("../../shared/targets/http/http-target.ts"),
      import("../../shared/targets/http/signing-secrets.ts"),
    ]);
    const target = httpTarget({ now, secretText: environmentSecret(process.env) });
    closeHttp = target.close;
    return target.send;
  });
  const byKind = targetByKind({ worker: workers.send, http });
  const lane = lapsedOneAtATime(byKind, { close: state.events.close, now, random, delay });
  const hosted = asyncInvocations({ run: lane.target, tell, now, delay, onError });
  const laptop = laptopTarget({ laptops: state.laptops, now });
  let closing: Promise<unknown> | undefined;
  return {
    target: targetByKind({ worker: hosted, http: hosted, laptop }),
    /** The ledger's `close`, through which it is heard what of lapsed sends was stored. */
    closeEntries: lane.close,
    hosts: workers.hosts,
    /** Versions have their grace for what they are running. May be called twice. */
    close() {
      closing ??= Promise.all([workers.close(), closeHttp()]);
      return closing;
    },
    /** Waits until what the last asynchronous invocations said when their workers were closed is stored. */
    told: () => Promise.allSettled(telling),
  };
}
