import type { Context } from "aws-lambda";
import { lambdaContext } from "./lambda-context.ts";

/** EventBridge's scheduler, embedded: calls a handler again and again, `everyMs` after the last call ended. */
export function startSchedule(options: {
  name: string;
  handler: (event: object, context: Context) => Promise<unknown>;
  everyMs: number;
  timeoutMs: number;
  onError: (error: unknown) => void;
}): { stop(): Promise<void> } {
  const { name, handler, everyMs, timeoutMs, onError } = options;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();
  const run = () => {
    running = handler({}, lambdaContext(name, timeoutMs))
      .catch(onError)
      .finally(() => {
        if (!stopped) timer = setTimeout(run, everyMs);
      });
  };
  run();
  return {
    /** Resolves when the call that is running has ended. */
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
