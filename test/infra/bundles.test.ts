import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { App, Stack } from "aws-cdk-lib";
import { afterAll, describe, expect, it } from "vitest";
import { environmentSettings } from "../../infra/environments.ts";
import { addStacks } from "../../infra/stacks.ts";
import { HOSTING } from "../support/hosted-console.ts";
import { resolved } from "./resolved.ts";

const repository = join(import.meta.dirname, "..", "..");
const folder = mkdtempSync(join(tmpdir(), "turnout-infra-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is in them, `test/scenarios/bundles-on-aws.test.ts` looks at. */
describe("the bundles", () => {
  it("are one per entry file, and load as Lambda loads them, with the settings that they are deployed with", () => {
    const entries = globSync("functions/on-aws/*.ts", { cwd: repository })
      .map((file) => basename(file, ".ts"))
      .filter((entry) => entry !== "function-ports");
    const app = new App({ outdir: join(folder, "cdk.out"), analyticsReporting: false });
    addStacks(app, "dev", { settings: { ...environmentSettings("dev"), console: HOSTING } });
    app.synth();
    const found = app.node
      .findAll()
      .filter(Stack.isStack)
      .flatMap((stack) => functionsIn(join(folder, "cdk.out", stack.templateFile)));
    const loaded = found.map(({ Handler, asset, environment }) => {
      const [entry = ""] = Handler.split(".");
      const file = pathToFileURL(join(folder, "cdk.out", asset, `${entry}.mjs`)).href;
      const program = `const { handler } = await import(${JSON.stringify(file)}); console.log(typeof handler)`;
      const env = { PATH: process.env.PATH, AWS_REGION: "eu-west-1", ...environment };
      const kind = execFileSync(process.execPath, ["--input-type=module", "-e", program], { env, cwd: folder });
      return `${entry}: ${kind.toString().trim()}`;
    });
    expect(loaded.sort()).toEqual(entries.map((entry) => `${entry}: function`).sort());
    expect(new Set(found.map(({ asset }) => asset)).size).toBe(entries.length);
  });
});

type LambdaProperties = {
  Handler: string;
  Code: { S3Key?: string };
  Environment?: { Variables: Record<string, unknown> };
};
type Template = { Resources: Record<string, { Type: string; Properties: LambdaProperties }> };
type Deployed = { Handler: string; asset: string; environment: Record<string, string> };

function functionsIn(templateFile: string): Deployed[] {
  const { Resources } = JSON.parse(readFileSync(templateFile, "utf8")) as Template;
  return Object.values(Resources).flatMap(({ Type, Properties: { Handler, Code, Environment } }) => {
    // CDK's own have another handler.
    if (Type !== "AWS::Lambda::Function" || Handler === "index.handler") return [];
    const asset = `asset.${basename(Code.S3Key ?? "", ".zip")}`;
    return [{ Handler, asset, environment: resolved(Environment?.Variables ?? {}) }];
  });
}
