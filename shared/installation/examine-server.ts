import * as z from "zod/mini";
import { read, readJson } from "../domain/text/schema.ts";
import { type Finding, fine, problem, warning } from "./finding.ts";
import { runningServer } from "./server-lock.ts";

/** It waits for a store that is held for so long itself, and some more. */
const ANSWERS_WITHIN_MS = 10_000;

const Trouble = z.object({ error: z.string(), remedies: z._default(z.array(z.string()), []) });

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
    if (answer.ok) return fine("server", `runs (${who})`);
    const said = troubleIn(text);
    return problem("server", `is in trouble (${who}): ${said.error}`, ...said.remedies);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return problem("server", `runs and doesn't answer (${who}): ${why}`, "See what its log says last, and restart it");
  }
}

function troubleIn(text: string): z.infer<typeof Trouble> {
  const json = readJson(text);
  const trouble = json.ok ? read(Trouble, json.value) : json;
  return trouble.ok ? trouble.value : { error: text, remedies: [] };
}
