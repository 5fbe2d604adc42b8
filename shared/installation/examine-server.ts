import * as z from "zod/mini";
import { plural } from "../domain/text/plural.ts";
import { read, readJson } from "../domain/text/schema.ts";
import { type Finding, fine, problem, warning } from "./finding.ts";
import { runningServer } from "./server-lock.ts";

/** It waits for a store that is held for so long itself, and some more. */
const ANSWERS_WITHIN_MS = 10_000;

const Trouble = z.object({ error: z.string(), remedies: z._default(z.array(z.string()), []) });

/** What a server that is in order says besides. */
const InOrder = z.object({
  lost_spans: z._default(z.number(), 0),
  /** Events that are routed as they arrive are in no queue that could be looked at from outside. */
  queue: z.optional(z.object({ inFlight: z.int() })),
});

/**
 * Asks the server that runs on a state folder how it is: it may know of trouble that isn't seen from outside, and be the
 * only one that can tell while the state can't be read.
 */
export async function examineServer(home: string, withinMs = ANSWERS_WITHIN_MS): Promise<Finding> {
  const server = runningServer(home);
  if (server === undefined) {
    return warning("server", "doesn't run: nothing is routed, and no replay goes on", "Start it with 'npm start'");
  }
  const { pid, port } = server;
  const who = `process ${pid}, port ${port}`;
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(withinMs) });
    const text = await answer.text();
    if (answer.ok) return inOrder(who, text);
    const said = troubleIn(text);
    return problem("server", `is in trouble (${who}): ${said.error}`, ...said.remedies);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return problem("server", `runs and doesn't answer (${who}): ${why}`, "See what its log says last, and restart it");
  }
}

function inOrder(who: string, answer: string): Finding {
  const json = readJson(answer);
  const said = json.ok ? read(InOrder, json.value) : json;
  const { lost_spans: lost, queue } = said.ok ? said.value : { lost_spans: 0 };
  const runs = `runs (${who})${queue === undefined ? "" : `, ${plural(queue.inFlight, "event")} under way`}`;
  if (lost === 0) return fine("server", runs);
  return warning(
    "server",
    `${runs}, and OpenTelemetry's collector has not been told of ${plural(lost, "span")} since it started`,
    "See that the collector at OTEL_EXPORTER_OTLP_ENDPOINT runs, takes OTLP over HTTP, and keeps up",
  );
}

function troubleIn(text: string): z.infer<typeof Trouble> {
  const json = readJson(text);
  const trouble = json.ok ? read(Trouble, json.value) : json;
  return trouble.ok ? trouble.value : { error: text, remedies: [] };
}
