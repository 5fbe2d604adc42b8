import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventOfTask } from "./event-of-task.ts";
import { type Invocation, runtimeEvents } from "./runtime-events.ts";

/**
 * A program that builds what is pushed, with the task definition that it is started as. On AWS it is a task of ECS: it finds
 * one event in its environment, and ends with 0 once that is built. On this machine it is a version in a folder, which
 * gets one event after the other by Lambda's Runtime API.
 */
type Push = {
  turnout: { idempotencyKey: string };
  detail: { after?: string; repository: { full_name: string } };
};

const [definition = "builder:1"] = process.argv.slice(2);
const { AWS_LAMBDA_RUNTIME_API, BUILDER_STATE = "." } = process.env;

/** One artifact for a key, however often its event comes. */
function build({ turnout, detail }: Push): object {
  const artifact = { project: detail.repository.full_name, commit: detail.after, builtBy: definition };
  mkdirSync(BUILDER_STATE, { recursive: true });
  writeFileSync(join(BUILDER_STATE, `${turnout.idempotencyKey.replace("#", "-")}.json`), JSON.stringify(artifact));
  console.log(`built ${artifact.project} at ${artifact.commit} as ${definition}`);
  return artifact;
}

async function buildOne({ event, answer, fail }: Invocation): Promise<void> {
  try {
    await answer(build(event as Push));
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
    await fail({ errorType: name, errorMessage: message });
  }
}

// What goes wrong with a task's event ends the process, and the task, with 1.
if (AWS_LAMBDA_RUNTIME_API === undefined) build((await eventOfTask(process.env)) as Push);
else for await (const invocation of runtimeEvents(AWS_LAMBDA_RUNTIME_API)) await buildOne(invocation);
