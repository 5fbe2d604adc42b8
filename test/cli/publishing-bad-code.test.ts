import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, utimesSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { codeFolder } from "../contracts/folder-versions.ts";
import { aComponent } from "../support/builders.ts";
import { aCli, aRoutedCli } from "../support/cli-process.ts";
import { aHomeForAll } from "../support/replayed-cli.ts";

const RC = "release-coordinator";
const publishing = (folder: string, ...options: string[]) =>
  ["publish-version", RC, folder, "--reason", "a test", "--yes", ...options] as const;

const GOOD = "export const handler = async () => 1;\n";

/** What is wrong, where and how it is told, and what to do. */
const bad: Record<string, { files: Record<string, string>; options?: string[]; told: string[] }> = {
  "a handler that isn't exported": {
    files: { "index.mjs": "export const other = 1;\n" },
    told: ["/index.mjs can't be loaded", "index.handler is not exported", "--handler FILE.FUNCTION"],
  },
  "a handler that is no function": {
    files: { "index.mjs": "export const handler = 1;\n" },
    told: ["/index.mjs can't be loaded", "index.handler is not a function", "--handler FILE.FUNCTION"],
  },
  "a handler that takes a callback": {
    files: { "index.mjs": "export const handler = (event, context, callback) => callback();\n" },
    told: ["/index.mjs can't be loaded", "Make it an async function"],
  },
  "a syntax error in a module": {
    files: {
      "index.mjs": GOOD,
      "api/index.mjs": `import "../parts/broken.mjs";\n${GOOD}`,
      "parts/broken.mjs": "\n\n= 1\n",
    },
    options: ["--handler", "api/index.handler"],
    told: ["/parts/broken.mjs:3 can't be loaded", "Unexpected token '='", "publish it again"],
  },
  "a syntax error in CommonJS": {
    files: { "index.cjs": "const a = 1;\nexports.handler = async ( => a;\n" },
    told: ["/index.cjs:2 can't be loaded", "Unexpected token '=>'"],
  },
  "a TypeScript enum": {
    files: { "index.ts": `import "./colour.ts";\n${GOOD}`, "colour.ts": "const a = 1;\nenum Colour { Red }\n" },
    told: ["/colour.ts:2 can't be loaded", "TypeScript enum is not supported", "erasableSyntaxOnly"],
  },
  "an import of a package that isn't there": {
    files: { "index.mjs": `// One.\nimport left from "left-pad-of-nobody";\n${GOOD}` },
    told: ["/index.mjs:2 can't be loaded", "Cannot find package 'left-pad-of-nobody'", "node_modules"],
  },
  "a require of a file that isn't there": {
    files: { "index.cjs": 'const a = 1;\nrequire("./nowhere");\nexports.handler = async () => a;\n' },
    told: ["/index.cjs:2 can't be loaded", "Cannot find module './nowhere'", "node_modules"],
  },
  "an import of what isn't exported": {
    files: { "index.mjs": `\nimport { b } from "./a.mjs";\nb;\n${GOOD}`, "a.mjs": "export const a = 1;\n" },
    told: ["/index.mjs:2 can't be loaded", "does not provide an export named 'b'"],
  },
  "an error thrown at import": {
    files: {
      "index.mjs": `import "./with space.mjs";\n${GOOD}`,
      "with space.mjs": 'throw new TypeError("no DB_URL");\n',
    },
    told: ["/with space.mjs:1 can't be loaded", "TypeError: no DB_URL", "worker.environment"],
  },
  "text thrown at import": {
    files: { "index.mjs": 'throw "no\\nDB_URL";\n' },
    told: ["/index.mjs can't be loaded", "string: 'no\\nDB_URL'"],
  },
  "an end of the process at import": {
    files: { "index.mjs": `process.exit(3);\n${GOOD}` },
    told: ["/index.mjs can't be loaded", "exit code 3"],
  },
  "an end of the host at import": {
    files: { "index.mjs": `process.reallyExit(7);\n${GOOD}` },
    told: ["/index.mjs can't be loaded", "exit code 7"],
  },
  "an await at import that never ends": {
    files: { "index.mjs": `await new Promise(() => {});\n${GOOD}` },
    told: ["/index.mjs can't be loaded", "an await at the top level of a module never ends"],
  },
};

describe("turnout publish-version refuses", () => {
  const home = aHomeForAll();
  beforeAll(async () => {
    const { turnout } = await aRoutedCli(home);
    expect(await turnout(publishing(codeFolder({ "index.mjs": GOOD }, afterAll)))).toMatchObject({ code: 0 });
  });

  it.each(Object.entries(bad))(
    "%s, says where and what to do, and keeps nothing of it",
    async (_, { files, options = [], told }) => {
      const { turnout, json, withState } = aCli(home);
      const folder = codeFolder(files);
      const log = () => withState(({ routingTable }) => routingTable.changesAfter(0, 100));
      const before = [await json(["versions", RC]), await json(["aliases", RC]), await log()];
      const refused = await turnout(publishing(folder, ...options));
      expect(refused).toMatchObject({ code: 1, stdout: "" });
      for (const text of told) expect(refused.stderr).toContain(text);
      expect(refused.stderr).toContain(`turnout: ${folder}/`);
      expect(refused.stderr).toContain("Nothing was published.");
      expect(refused.stderr).not.toContain(".publishing-");
      expect([await json(["versions", RC]), await json(["aliases", RC]), await log()]).toEqual(before);
      expect(readdirSync(join(home, "versions", RC))).toEqual(["1"]);
    },
  );
});

it("turnout publish-version loads code with the environment of the component, and as the number that it gets", async () => {
  const { edit, turnout } = await aRoutedCli();
  const folder = codeFolder({
    "index.mjs": `if (process.env.DB_URL !== "here:5") throw new Error("not " + process.env.DB_URL);
      if (process.env.AWS_LAMBDA_FUNCTION_VERSION !== "24") throw new Error(process.env.AWS_LAMBDA_FUNCTION_VERSION);
      ${GOOD}`,
  });
  const refused = await turnout(publishing(folder, "--number", "24"));
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("Error: not undefined") });
  const component = aComponent({ aliases: ["experimental"], worker: { environment: { DB_URL: "here:5" } } });
  await edit([{ kind: "apply component", component }]);
  expect(await turnout(publishing(folder, "--number", "24"))).toMatchObject({ code: 0, stdout: "version 24\n" });
});

it("turnout publish-version moves no alias to a version that can't be loaded any more", async () => {
  const { edit, turnout, json } = await aRoutedCli();
  const folder = codeFolder({ "index.mjs": `if (process.env.OLD) throw new Error("no longer");\n${GOOD}` });
  await turnout(publishing(folder, "--no-alias"));
  const component = aComponent({ aliases: ["experimental"], worker: { environment: { OLD: "yes" } } });
  await edit([{ kind: "apply component", component }]);
  const refused = await turnout(publishing(folder));
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("index.mjs:1 can't be loaded: Error: no longer"),
  });
  expect(await json(["versions", RC])).toMatchObject([{ version: "1", aliases: [] }]);
});

/** A version that reports to the test as soon as it is loaded, and never ends loading. */
async function aHangingVersion() {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const loading = once(server, "connection").then(([socket]) => socket as Socket);
  const code = `import { connect } from "node:net";
    await new Promise((resolve) => connect(${port}, "127.0.0.1", resolve));
    await new Promise((resolve) => setInterval(() => {}, 1000));\n${GOOD}`;
  return { folder: codeFolder({ "index.mjs": code }), loading };
}

it("turnout publish-version that is killed while the code loads leaves no process and no version", async () => {
  const cli = await aRoutedCli();
  const { folder, loading } = await aHangingVersion();
  const child = spawn(process.execPath, ["bin/start.js", ...publishing(folder)], {
    env: { ...process.env, TURNOUT_HOME: cli.home, TURNOUT_ENV: undefined },
  });
  const socket = await loading;
  const over = once(socket.on("error", () => {}).resume(), "close");
  child.kill("SIGKILL");
  await over;
  const kept = join(cli.home, "versions", RC);
  const [left = ""] = readdirSync(kept);
  expect(left).toMatch(/^\.publishing-/);
  expect(await cli.json(["versions", RC])).toEqual([]);
  // The next publication removes it, once nobody can be at it any more.
  const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
  utimesSync(join(kept, left), hoursAgo, hoursAgo);
  expect(await cli.turnout(publishing(codeFolder({ "index.mjs": GOOD })))).toMatchObject({ code: 0 });
  expect(readdirSync(kept)).toEqual(["1"]);
});
