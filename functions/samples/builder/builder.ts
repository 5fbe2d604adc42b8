import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A program that builds what is pushed. It stands for a container task with three task definitions: `version.json` names
 * the one that it is started as. It speaks Lambda's Runtime API by itself, as a program in any language can.
 */

type Push = {
  turnout: { idempotencyKey: string };
  detail: { after?: string; repository: { full_name: string } };
};

const [definition = "builder:1"] = process.argv.slice(2);
const { AWS_LAMBDA_RUNTIME_API, BUILDER_STATE = "." } = process.env;
const api = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;

/** One artifact for a key, however often its event comes. */
function build({ turnout, detail }: Push): object {
  const artifact = { project: detail.repository.full_name, commit: detail.after, builtBy: definition };
  mkdirSync(BUILDER_STATE, { recursive: true });
  writeFileSync(join(BUILDER_STATE, `${turnout.idempotencyKey.replace("#", "-")}.json`), JSON.stringify(artifact));
  console.log(`built ${artifact.project} at ${artifact.commit} as ${definition}`);
  return artifact;
}

function post(path: string, body: object): Promise<Response> {
  return fetch(`${api}/invocation/${path}`, { method: "POST", body: JSON.stringify(body) });
}

for (;;) {
  const next = await fetch(`${api}/invocation/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  try {
    await post(`${id}/response`, build((await next.json()) as Push));
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
    await post(`${id}/error`, { errorType: name, errorMessage: message });
  }
}
