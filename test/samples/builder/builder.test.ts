import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { s3Stub } from "../../support/s3-stub.ts";
import { temporaryFolder } from "../../support/tmp.ts";

const BUILDER = join(import.meta.dirname, "../../../functions/samples/builder/builder.ts");

const push = JSON.stringify({
  "detail-type": "push",
  detail: { after: "abc", repository: { full_name: "acme/site" } },
  turnout: { idempotencyKey: "key#live" },
});

/** Runs it as ECS runs a task: with this environment, and the container's command. Returns its exit code and artifacts. */
async function task(variables: Record<string, string>) {
  const state = join(temporaryFolder(), "artifacts");
  const env = { PATH: process.env.PATH, BUILDER_STATE: state, ...variables };
  const child = spawn(process.execPath, [BUILDER, "builder-2"], { env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const output of [child.stdout, child.stderr]) output.on("data", (chunk) => (said += chunk));
  const [code] = await once(child, "close");
  const artifacts = () => readdirSync(state).map((file) => JSON.parse(readFileSync(join(state, file), "utf8")));
  return { code, said, artifacts };
}

const built = [{ project: "acme/site", commit: "abc", builtBy: "builder-2" }];

describe("the sample builder as a task", () => {
  it("builds the event that it finds in its environment, and ends with 0", async () => {
    const { code, said, artifacts } = await task({ TURNOUT_EVENT: push });
    expect({ code, said, artifacts: artifacts() }).toEqual({
      ...{ code: 0, artifacts: built },
      said: "built acme/site at abc as builder-2\n",
    });
  });

  it("reads an event that is too large for that where it is kept", async () => {
    const s3 = await s3Stub("bodies");
    s3.objects.set("bodies/handed/builder/1.json", Buffer.from(push));
    const access = { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "turnout", AWS_SECRET_ACCESS_KEY: "turnout" };
    const kept = { TURNOUT_EVENT_S3: "s3://bodies/handed/builder/1.json", AWS_ENDPOINT_URL_S3: s3.endpoint };
    const { code, artifacts } = await task({ ...access, ...kept });
    expect({ code, artifacts: artifacts() }).toEqual({ code: 0, artifacts: built });
  });

  it.each([
    ["none", {}, "neither TURNOUT_EVENT nor TURNOUT_EVENT_S3 says what to build"],
    ["one that it can't read", { TURNOUT_EVENT: "{" }, "SyntaxError"],
  ])("ends with 1 where it has %s", async (_, variables, why) => {
    const { code, said } = await task(variables);
    expect([code, said]).toEqual([1, expect.stringContaining(why)]);
  });
});
