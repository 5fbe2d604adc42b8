/** A client of the Runtime API without dependencies, as somebody would write it for a language that has none. */
const CLIENT = `
  import { appendFileSync as append, existsSync as exists, writeSync } from "node:fs";
  import { spawn } from "node:child_process";
  const api = "http://" + process.env.AWS_LAMBDA_RUNTIME_API + "/2018-06-01/runtime";
  const tell = (text) => append(process.env.TOLD, text + "\\n");
  const until = async (gate) => {
    while (!exists(process.env.TOLD + "." + gate)) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const forever = () => new Promise(() => setInterval(() => {}, 1_000));
  const post = (path, body, headers = {}) => fetch(api + path, { method: "POST", body, headers });
  const errorOf = ({ name, message, stack }) =>
    JSON.stringify({ errorType: name, errorMessage: message, stackTrace: stack.split("\\n") });
  async function next() {
    const response = await fetch(api + "/invocation/next");
    return { event: await response.json(), headers: response.headers };
  }
  const idOf = (headers) => headers.get("lambda-runtime-aws-request-id");
`;

const LOOP = `
  for (;;) {
    const { event, headers } = await next();
    const id = idOf(headers);
    try {
      await post("/invocation/" + id + "/response", JSON.stringify((await handle(event, headers)) ?? null));
    } catch (error) {
      await post("/invocation/" + id + "/error", errorOf(error));
    }
  }
`;

const command = JSON.stringify({ command: [process.execPath, "client.mjs"] });

/** A version that is a program: `top` runs before it asks for an event, `handle` is the body of what it does with one. */
export function aProgram(handle: string, top = ""): Record<string, string> {
  const code = `${CLIENT}${top}\nconst handle = async (event, headers) => { ${handle} };${LOOP}`;
  return { "version.json": command, "client.mjs": code };
}

/** A version that is a program which speaks the API as it likes. */
export function aWildProgram(code: string): Record<string, string> {
  return { "version.json": command, "client.mjs": CLIENT + code };
}

export const entered = { handler: "version.json" };
