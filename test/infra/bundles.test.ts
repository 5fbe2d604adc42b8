import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { App, Stack } from "aws-cdk-lib";
import { afterAll, describe, expect, it } from "vitest";
import { bundle } from "../../infra/constructs/function-code.ts";
import { addStacks } from "../../infra/stacks.ts";
import { resolved } from "./resolved.ts";

/** Section 20 of the design. The import is measured by the benchmarks. */
const MAX_ROUTER_BYTES = 500_000;

const repository = join(import.meta.dirname, "..", "..");
const folder = mkdtempSync(join(tmpdir(), "turnout-infra-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the entry loads before it runs, with its bytes. */
function loadedBy(entry: string) {
  const { outputs } = bundle(entry, join(folder, entry));
  const first = Object.keys(outputs).find((file) => outputs[file]?.entryPoint?.endsWith(`${entry}.ts`)) ?? "";
  const eager = new Set<string>();
  const visit = (file: string) => {
    if (eager.has(file)) return;
    eager.add(file);
    for (const { kind, path, external } of outputs[file]?.imports ?? []) {
      if (kind === "import-statement" && external !== true) visit(path);
    }
  };
  visit(first);
  const inputs = [...eager].flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));
  const bytes = [...eager].reduce((sum, file) => sum + (outputs[file]?.bytes ?? 0), 0);
  return { inputs, bytes, all: Object.values(outputs).flatMap(({ inputs: some }) => Object.keys(some)) };
}

describe("the bundles", () => {
  it("keep the router small, and load the client of S3 on first use", () => {
    const { bytes, inputs, all } = loadedBy("router");
    expect(bytes).toBeLessThanOrEqual(MAX_ROUTER_BYTES);
    expect(inputs.some((file) => file.includes("@aws-sdk/client-s3/"))).toBe(false);
    expect(all.some((file) => file.includes("@aws-sdk/client-s3/"))).toBe(true);
  });

  it("are one per entry file, and load as Lambda loads them, with the settings that they are deployed with", {
    timeout: 180_000,
  }, () => {
    const entries = globSync("functions/on-aws/*.ts", { cwd: repository })
      .map((file) => basename(file, ".ts"))
      .filter((entry) => entry !== "function-ports");
    const app = new App({ outdir: join(folder, "cdk.out"), analyticsReporting: false });
    addStacks(app, "dev");
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
