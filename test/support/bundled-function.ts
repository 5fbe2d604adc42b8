import { flushCompileCache } from "node:module";
import { pathToFileURL } from "node:url";
import { lambdaContext } from "../../scripts/embedded/lambda-context.ts";
// First, so that nothing is loaded with another clock.
import { setClockAhead } from "./bundled-clock.ts";

/**
 * A Lambda environment of one bundle, as a process of its own: loads the bundle with the environment variables that it was
 * started with, and answers one invocation after the other over IPC.
 */
export type Call = { id: number; event: unknown; functionName: string; timeoutMs: number; clockAheadMs: number };

export type Answered =
  | { id: number; payload: unknown }
  | { id: number; error: { errorType: string; errorMessage: string } };

const { handler } = await import(pathToFileURL(process.argv[2] ?? "").href);
// It may be killed.
flushCompileCache();

process.on("message", ({ id, event, functionName, timeoutMs, clockAheadMs }: Call) => {
  void (async () => {
    setClockAhead(clockAheadMs);
    // As the runtime sets it for each invocation; the SDK sends it along.
    process.env._X_AMZN_TRACE_ID = `Root=1-00000000-${id.toString(16).padStart(24, "0")};Parent=53995c3f42cd8ad8;Sampled=0`;
    let answered: Answered;
    try {
      answered = { id, payload: (await handler(event, lambdaContext(functionName, timeoutMs))) ?? null };
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      answered = { id, error: { errorType: name, errorMessage: message } };
    }
    process.send?.(answered);
  })();
});
// Whoever calls it has gone.
process.on("disconnect", () => process.exit());
