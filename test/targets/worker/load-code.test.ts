import { expect, it } from "vitest";
import { WorkerSettings } from "../../../shared/domain/routing/component.ts";
import { loadCode } from "../../../shared/targets/worker/load-code.ts";
import { codeSha256, readCodeFolder } from "../../../shared/versions/version-folder.ts";
import { codeFolder } from "../../contracts/folder-versions.ts";

const HANDLER = "\nexport const handler = async () => 1;\n";

async function loading(text: string, { initTimeoutMs, memoryMb = 128 }: { initTimeoutMs: number; memoryMb?: number }) {
  const folder = codeFolder({ "index.mjs": text + HANDLER });
  const handler = "index.handler";
  const sha = await codeSha256(await readCodeFolder(folder), handler);
  const code = { component: "mailer", version: "1", folder, handler, codeSha256: sha };
  return loadCode(code, WorkerSettings.parse({ memoryMb }), { initTimeoutMs });
}

it.each([
  ["waits for ever", "await new Promise(() => setInterval(() => {}, 1_000));"],
  ["loops for ever", "for (;;) {}"],
  ["blocks its thread", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"],
])("loadCode ends a module that %s when its time is over", async (_, text) => {
  const problem = await loading(text, { initTimeoutMs: 300 });
  expect(problem).toEqual({
    type: "Sandbox.Timedout",
    message: "Init timed out after 0.30 seconds",
    file: "index.mjs",
  });
});

it("loadCode holds a module to the component's memory", async () => {
  const text = "const kept = []; for (;;) { kept.push(new Array(10_000).fill(Math.random())); await null; }";
  const problem = await loading(text, { initTimeoutMs: 60_000, memoryMb: 16 });
  expect(problem).toMatchObject({ type: "Runtime.OutOfMemory", file: "index.mjs" });
});

it("loadCode ends what has been loaded, whatever it goes on with", async () => {
  expect(await loading("setInterval(() => {}, 1_000);", { initTimeoutMs: 60_000 })).toBeUndefined();
});

it.each([
  [
    "isn't there",
    ["./nowhere"],
    { type: "Runtime.InvalidEntrypoint", message: "nowhere isn't there, or isn't executable" },
  ],
  [
    "ends before it asks for an event",
    ["sh", "main.sh"],
    { type: "Runtime.ExitError", message: "the process ended with exit code 7", file: "main.sh", line: 2 },
  ],
  [
    "fails as Python does",
    ["sh", "-c", `printf '  File "%s/handler.py", line 12, in <module>' "$PWD" >&2; exit 1`],
    { type: "Runtime.ExitError", message: "the process ended with exit code 1", file: "handler.py", line: 12 },
  ],
])("loadCode says of a command that %s what and where", async (_, command, problem) => {
  const main = 'echo started\necho "$PWD/main.sh:2: no" >&2\nexit 7\n';
  const folder = codeFolder({ "version.json": JSON.stringify({ command }), "main.sh": main });
  const handler = "version.json";
  const sha = await codeSha256(await readCodeFolder(folder), handler);
  const code = { component: "mailer", version: "1", folder, handler, codeSha256: sha };
  expect(await loadCode(code, WorkerSettings.parse({}))).toEqual(problem);
});

it("loadCode refuses code that isn't what its digest says", async () => {
  const folder = codeFolder({ "index.mjs": HANDLER });
  const code = { component: "mailer", version: "1", folder, handler: "index.handler", codeSha256: "0".repeat(64) };
  expect(await loadCode(code, WorkerSettings.parse({}))).toMatchObject({ type: "Runtime.CodeChanged" });
});
