import { describe, expect, it } from "vitest";
import {
  ambient,
  type Banned,
  bannedIn,
  barrels,
  commandWords,
  enums,
  importCycles,
  importProblems,
  type Room,
  sharedNames,
  skippedOrFocused,
  vagueFolders,
} from "./support/architecture-rules.ts";
import { importsOf, sourceFile, sourceFiles } from "./support/source-code.ts";

const portFiles = [
  "shared/routing-table/routing-table.ts",
  "shared/event-store/event-store.ts",
  "shared/event-store/delivery-ledger.ts",
  "shared/event-store/delivery-counts.ts",
  "shared/replay-store/replay-store.ts",
  "shared/watch-store/watch-store.ts",
  "shared/laptop-store/laptop-store.ts",
  "shared/body-store/body-store.ts",
  "shared/event-queue/event-queue.ts",
  "shared/versions/version-catalog.ts",
  "shared/version-logs/version-logs.ts",
  "shared/targets/target.ts",
];

/** The rooms of the domain from the ground up. Each may import those below it; the ground is its own files and `text/`. */
const domainRooms = ["events", "routing", "deliveries", "replays", "health", "releases", "notices"];

const groundOfDomain = [
  "clock-mark.ts",
  "errors.ts",
  "hash.ts",
  "layout.ts",
  "remedy.ts",
  "retry.ts",
  "subject.ts",
  "text/",
].map((place) => `shared/domain/${place}`);

/** What every flow may use of the flows; the files of none may import a room. */
const groundOfFlows = [
  "event-sources.ts",
  "in-pages.ts",
  "kept-writes.ts",
  "lost-races.ts",
  "cached-rows.ts",
  "routing-cache.ts",
  "routing-table-at.ts",
].map((place) => `shared/flows/${place}`);

/** Which rooms of the flows stand on which others. */
const flowRooms: Record<string, string[]> = {
  change: [],
  deliver: [],
  explain: [],
  listen: ["change"],
  release: ["change", "replay", "versions", "watch"],
  replay: ["deliver"],
  versions: ["change", "explain", "replay"],
  watch: ["change", "explain", "replay", "versions"],
};

/** The floor plan of DESIGN.md, section 3. The first room that a file fits in is its own. */
const floorPlan: Room[] = [
  ...domainRooms.flatMap((room, floor): Room[] => {
    const below = domainRooms.slice(0, floor).map((name) => `shared/domain/${name}/`);
    const may = ["own folder", ...below, ...groundOfDomain, "zod", "node:crypto", "node:net"];
    return [
      // `cloudevents` is the specification's own package; its types cost nothing at run time.
      { files: `shared/domain/${room}/cloud-event.ts`, may, mayTypes: ["cloudevents"] },
      { files: `shared/domain/${room}/`, may },
    ];
  }),
  ...groundOfDomain.map((files) => ({ files, may: [...groundOfDomain, "zod", "node:crypto"] })),

  // The store of events is three ports in one: its file names the two others.
  ...portFiles.map((files) => ({ files, may: ["shared/domain/", ...portFiles] })),
  // The one database file that the SQLite adapters share.
  {
    files: "shared/sqlite/",
    may: ["own folder", "shared/domain/", "node:fs", "node:path", "node:sqlite", "node:worker_threads"],
  },
  // What the DynamoDB adapters share: batches, and how they are tried again.
  {
    files: "shared/dynamodb/",
    may: ["own folder", "shared/domain/", "@aws-sdk/client-dynamodb", "@aws-sdk/lib-dynamodb", "@smithy/core"],
  },
  // Clients that send a router's most frequent requests for less CPU. They know AWS, and nothing of events.
  {
    files: "shared/aws/",
    may: [
      "own folder",
      // Their errors, as a person is told of them.
      "shared/domain/errors.ts",
      "node:crypto",
      "node:http",
      "@smithy/core",
      "@aws-sdk/client-dynamodb",
      "@aws-sdk/client-lambda",
      "@aws-sdk/lib-dynamodb",
      "@aws-sdk/util-dynamodb",
    ],
  },
  { files: "shared/body-store/", may: ["own folder", "shared/domain/", "node:", "@aws-sdk/client-s3"] },
  {
    files: "shared/event-store/",
    may: [
      "own folder",
      "shared/domain/",
      "shared/body-store/body-store.ts",
      "shared/dynamodb/",
      "shared/sqlite/",
      "node:",
      "@aws-sdk/",
    ],
  },
  // A host checks that the code it loads is what was published.
  {
    files: "shared/targets/worker/host-process.ts",
    may: ["shared/targets/", "shared/domain/", "shared/versions/version-folder.ts", "node:"],
  },
  // Whoever publishes a version has a host load it first.
  {
    files: "shared/targets/worker/load-code.ts",
    may: ["own folder", "shared/domain/", "shared/versions/version-catalog.ts", "node:"],
  },
  // Its inbox is a port.
  {
    files: "shared/targets/laptop-target.ts",
    may: ["shared/targets/", "shared/domain/", "shared/laptop-store/laptop-store.ts"],
  },
  ...["routing-table", "replay-store", "watch-store", "laptop-store", "event-queue", "versions", "targets"].map(
    (port) => ({
      files: `shared/${port}/`,
      may: [
        `shared/${port}/`,
        "shared/domain/",
        "shared/aws/explain-error.ts",
        "shared/dynamodb/",
        "shared/sqlite/",
        "node:",
        "@aws-sdk/",
        "@smithy/core",
      ],
    }),
  ),

  // What hosts have written is read by whoever knows where they write it.
  {
    files: "shared/version-logs/",
    may: ["own folder", "shared/domain/", "shared/targets/worker/log-file.ts", "node:", "@aws-sdk/"],
  },

  // What a person works on: this machine, or an environment on AWS.
  { files: "shared/installation/", may: ["shared/", "node:", "zod", "@aws-sdk/"] },

  ...Object.entries(flowRooms).map(([room, below]) => ({
    files: `shared/flows/${room}/`,
    may: [
      "own folder",
      ...below.map((name) => `shared/flows/${name}/`),
      ...groundOfFlows,
      "shared/domain/",
      ...portFiles,
    ],
  })),
  ...groundOfFlows.map((files) => ({ files, may: [...groundOfFlows, "shared/domain/", ...portFiles] })),
  {
    files: "shared/client/",
    may: ["own folder", "shared/domain/", "@middy/", "@aws-sdk/"],
    mayTypes: ["aws-lambda"],
  },
  { files: "shared/settings.ts", may: ["shared/domain/", "zod", "node:path"] },
  { files: "shared/*-dependencies.ts", may: ["shared/", "node:", "@aws-sdk/"] },

  // Samples are published folder by folder, so each has to be complete in itself.
  { files: "functions/samples/github-webhooks.ts", may: ["own folder", "node:", "@octokit/webhooks-examples"] },
  {
    // What a user's own consumer would import.
    files: "functions/samples/idempotent-consumer/with-powertools.ts",
    may: ["own folder", "@aws-lambda-powertools/"],
    mayTypes: ["aws-lambda"],
  },
  {
    files: "functions/samples/builder/event-of-task.ts",
    may: ["own folder", "node:", "@aws-sdk/client-s3"],
  },
  { files: "functions/samples/", may: ["own folder", "node:"] },
  // Its style sheet and scripts are read once, and told from others by their hash.
  {
    files: "functions/console/assets/",
    may: ["own folder", "functions/console/page/address.ts", "node:crypto", "node:fs", "node:module", "idiomorph"],
  },
  // What a load balancer has signed, its maker's own package tells.
  {
    files: "functions/console/access/load-balancer-access.ts",
    may: ["functions/console/", "shared/", "aws-jwt-verify"],
  },
  { files: "functions/console/load-balancer-handler.ts", may: [], mayTypes: ["aws-lambda"] },
  { files: "functions/console/", may: ["functions/console/", "shared/", "hono", "zod", "node:crypto"] },
  // A handler with its real clients: what Lambda loads.
  { files: "functions/on-aws/", may: ["functions/", "shared/", "node:"] },
  {
    files: "functions/",
    may: ["functions/queue-batch.ts", "functions/invocation.ts", "shared/", "@middy/", "zod"],
    mayTypes: ["aws-lambda"],
  },

  ...["scripts/embedded.ts", "scripts/embedded/"].map((files) => ({
    files,
    may: [
      "@hono/node-server",
      "@opentelemetry/",
      "@prometheus-io/client",
      "scripts/",
      "shared/",
      "functions/",
      "node:",
      "zod",
      "commander",
      "cloudevents",
      "cli-table3",
      "string-width",
    ],
    mayTypes: ["aws-lambda", "hono"],
  })),
  // It measures against what others would build instead, bundles included.
  {
    files: "scripts/bench/router/",
    may: [
      "infra/constructs/function-code.ts",
      "infra/constructs/module-bundle.ts",
      "scripts/",
      "shared/",
      "functions/",
      "node:",
      "@middy/",
      "@aws-sdk/",
      "@aws-lambda-powertools/",
      "zod",
      "esbuild",
    ],
    mayTypes: ["aws-lambda"],
  },
  // It is run on a real account, with nothing in between.
  { files: "scripts/smoke-aws.ts", may: ["scripts/smoke-story.ts", "shared/client/", "node:", "@aws-sdk/client-ssm"] },
  { files: "scripts/bench/peers/", may: ["scripts/", "shared/", "node:", "bullmq", "graphile-worker"] },
  { files: "scripts/bench/watching-tab.ts", may: ["scripts/", "shared/", "node:", "playwright-core"] },
  { files: "scripts/bench/", may: ["scripts/", "shared/", "node:"] },
  {
    files: "scripts/",
    may: ["scripts/", "shared/", "node:", "zod", "commander", "cloudevents", "cli-table3", "string-width"],
  },

  // Whether an environment is there already, an account is asked before cdk is.
  {
    files: "infra/deployed-environment.ts",
    may: ["infra/environments.ts", "infra/constructs/environment-names.ts", "@aws-sdk/client-ssm"],
  },
  // A bundle has the texts of files that it would else read.
  { files: "infra/constructs/console-assets.ts", may: ["functions/console/assets/asset-files.ts", "esbuild"] },
  // Handlers are named by path, never imported. esbuild makes their bundles.
  { files: "infra/", may: ["infra/", "shared/settings.ts", "node:", "aws-cdk-lib", "constructs", "esbuild"] },
];

/** A command is called after what it is about, and what Lambda loads after its handler. */
const namesakes = ["scripts/commands/", "functions/on-aws/"];

const source = sourceFiles("functions", "infra", "shared", "scripts");
const tests = sourceFiles("test");
const pure = source.filter(({ path }) => path.startsWith("shared/domain/") || path.startsWith("shared/flows/"));

describe("the source", () => {
  it("imports only what the floor plan allows", () => {
    expect(importProblems(source, floorPlan)).toEqual([]);
  });

  it("has no import cycles", () => {
    expect(importCycles(source)).toEqual([]);
  });

  it("has no barrels", () => {
    expect(barrels([...source, ...tests])).toEqual([]);
  });

  it("has no folders whose names say nothing", () => {
    expect(vagueFolders([...source, ...tests])).toEqual([]);
  });

  it("has no two files of one name", () => {
    expect(sharedNames(source, namesakes)).toEqual([]);
    expect(
      sharedNames(
        source.filter(({ path }) => path.startsWith("scripts/commands/")),
        [],
      ),
    ).toEqual([]);
  });

  it("has no enums", () => {
    expect(bannedIn([...source, ...tests], enums)).toEqual([]);
  });

  it("asks no clock, no chance and no environment in domain and flows", () => {
    expect(pure.length).toBeGreaterThan(20);
    expect(bannedIn(pure, ambient)).toEqual([]);
  });

  it("names no command and no option in what is not of a terminal", () => {
    const rooms = ["shared/", "functions/"];
    const spoken = source
      .filter(({ path }) => rooms.some((room) => path.startsWith(room)))
      .filter(({ path }) => !path.startsWith("shared/installation/"));
    expect(spoken.length).toBeGreaterThan(100);
    expect(commandWords(spoken)).toEqual([]);
  });

  it("has no skipped and no focused tests", () => {
    expect(bannedIn(tests, skippedOrFocused)).toEqual([]);
  });
});

describe("the import scanner", () => {
  const inDomain = (text: string) => importsOf(sourceFile("shared/domain/pin.ts", text));

  it.each([
    ['import a from "./a.ts";', "value", "shared/domain/a.ts"],
    ['import { a, type B } from "../b.ts";', "value", "shared/b.ts"],
    ['import {\n  a,\n  b,\n} from "zod/mini";', "value", "zod/mini"],
    ["import * as a from 'node:fs';", "value", "node:fs"],
    ['import "./effect.ts";', "value", "shared/domain/effect.ts"],
    ['import data from "./data.json" with { type: "json" };', "value", "shared/domain/data.json"],
    ['import type { A } from "./a.ts";', "type", "shared/domain/a.ts"],
    ['import type A from "./a.ts";', "type", "shared/domain/a.ts"],
    ['import type, { a } from "./a.ts";', "value", "shared/domain/a.ts"],
    ['export { a } from "./a.ts";', "value", "shared/domain/a.ts"],
    ['export * as a from "./a.ts";', "value", "shared/domain/a.ts"],
    ['export type { A } from "./a.ts";', "type", "shared/domain/a.ts"],
    ['const a = await import("./a.ts");', "value", "shared/domain/a.ts"],
    ['new Worker(new URL("../worker.ts", import.meta.url));', "worker", "shared/worker.ts"],
    ['createRequire(import.meta.url)("left-pad");', "value", "left-pad"],
    ['const r = /["\'`]/; import a from "./a.ts";', "value", "shared/domain/a.ts"],
    ['const glob = "src/**"; import a from "./a.ts"; // **/', "value", "shared/domain/a.ts"],
  ])("finds the module in %s", (text, kind, to) => {
    expect(inDomain(text)).toEqual([expect.objectContaining({ kind, to })]);
  });

  it.each([
    '// import a from "./a.ts";',
    '/* import a from "./a.ts"; */',
    "const text = \"import a from './a.ts'\";",
    'const text = `import a from "./a.ts"`;',
    'export const from = "./a.ts";',
    'loader.import("./a.ts");',
    'new URL("./data.sql", import.meta.url);',
  ])("finds nothing in %s", (text) => {
    expect(inDomain(text)).toEqual([]);
  });
});

describe("the checks", () => {
  const file = (path: string, text: string) => sourceFile(path, text);

  it.each([
    ["shared/domain/routing/pin.ts", 'import { readFileSync } from "node:fs";'],
    ["shared/domain/routing/pin.ts", 'import { database } from "../../sqlite/database.ts";'],
    ["shared/domain/routing/pin.ts", 'import { deliveryKeyOf } from "../deliveries/delivery-key.ts";'],
    ["shared/domain/events/event.ts", 'import type { Component } from "../routing/component.ts";'],
    ["shared/domain/text/csv.ts", 'import { BusEvent } from "../events/event.ts";'],
    ["shared/domain/subject.ts", 'import type { Pin } from "./routing/pin.ts";'],
    ["shared/domain/events/cloud-event.ts", 'import { HTTP } from "cloudevents";'],
    ["shared/domain/routing/pin.ts", 'import type { CloudEventV1 } from "cloudevents";'],
    [
      "shared/flows/deliver/route-batch.ts",
      'import { sqliteEventStore } from "../../event-store/sqlite-event-store.ts";',
    ],
    ["shared/flows/deliver/route-batch.ts", 'import { readFileSync } from "node:fs";'],
    ["shared/flows/deliver/route-batch.ts", 'import { runReplay } from "../replay/run-replay.ts";'],
    ["shared/flows/routing-cache.ts", 'import { changeRoutes } from "./change/change-routes.ts";'],
    ["shared/event-store/event-store.ts", 'import { sqliteEventStore } from "./sqlite-event-store.ts";'],
    ["shared/event-store/dynamodb-ledger.ts", 'import { fileBodyStore } from "../body-store/file-body-store.ts";'],
    ["shared/body-store/s3-body-store.ts", 'import { sqs } from "@aws-sdk/client-sqs";'],
    ["shared/dynamodb/dynamodb-retry.ts", 'import type { EventStore } from "../event-store/event-store.ts";'],
    ["shared/event-store/sqlite-event-store.ts", 'import { routeBatch } from "../flows/route-batch.ts";'],
    ["shared/event-store/sqlite-event-store.ts", 'import type { Target } from "../targets/target.ts";'],
    ["shared/targets/worker/worker-target.ts", 'new Worker(new URL("../../../scripts/worker.ts", import.meta.url));'],
    ["shared/settings.ts", 'import { stack } from "../infra/app.ts";'],
    ["functions/router.ts", 'import { startRuntime } from "../scripts/embedded/runtime.ts";'],
    ["functions/router.ts", 'import { handler } from "aws-lambda";'],
    ["functions/router.ts", 'import { sampleEvents } from "./samples/github-webhooks.ts";'],
    ["functions/samples/echo/version-1.ts", 'import { rule } from "../other/version-1.ts";'],
    ["functions/samples/echo/version-1.ts", 'import { own } from "../../../shared/domain/schema.ts";'],
    ["scripts/commands/rules/pin.ts", 'import { router } from "../../../functions/router.ts";'],
    ["scripts/turnout.ts", 'const { router } = await import("../functions/router.ts");'],
    ["infra/app.ts", 'import { router } from "../functions/router.ts";'],
    ["infra/app.ts", 'import { own } from "../shared/domain/schema.ts";'],
  ])("refuses in %s: %s", (path, text) => {
    expect(importProblems([file(path, text)], floorPlan)).toHaveLength(1);
  });

  it("says which file, which import, and what it may import", () => {
    const room: Room = { files: "shared/domain/", may: ["zod", "node:crypto"], mayTypes: ["cloudevents"] };
    const problems = importProblems([file("shared/domain/pin.ts", 'import { z } from "zodiac";')], [room]);
    expect(problems).toEqual([
      "shared/domain/pin.ts imports zodiac; shared/domain/ may import: zod, node:crypto, cloudevents (types only)",
    ]);
  });

  it("refuses a file in a folder that the floor plan doesn't know", () => {
    const problems = importProblems([file("shared/misc/thing.ts", "")], floorPlan);
    expect(problems).toEqual(["shared/misc/thing.ts stands in no room of the floor plan"]);
  });

  it("refuses a cycle, also one of types, and tells it once", () => {
    const files = [
      file("shared/a.ts", 'import { b } from "./b.ts";'),
      file("shared/b.ts", 'import type { C } from "./domain/c.ts";'),
      file("shared/domain/c.ts", 'import { a } from "../a.ts";'),
      file("shared/d.ts", 'import { a } from "./a.ts";'),
    ];
    expect(importCycles(files)).toEqual(["shared/a.ts → shared/b.ts → shared/domain/c.ts → shared/a.ts"]);
  });

  it("refuses a barrel, and takes a file that has something of its own", () => {
    const barrel = file("shared/domain/index.ts", '// all\nexport * from "./pin.ts";\nexport { a } from "./a.ts";\n');
    const own = file("shared/domain/pin.ts", 'export { a } from "./a.ts";\nexport const b = 1;\n');
    expect(barrels([barrel, own, file("shared/domain/empty.ts", "")])).toEqual(["shared/domain/index.ts"]);
  });

  it.each(["utils", "helpers", "common", "types"])("refuses a folder named %s", (folder) => {
    const path = `shared/${folder}/pin.ts`;
    expect(vagueFolders([file(path, ""), file(`shared/domain/${folder}.ts`, "")])).toEqual([path]);
  });

  it("refuses two files of one name, unless one is in a folder of namesakes", () => {
    const paths = ["shared/domain/pin.ts", "shared/flows/pin.ts", "scripts/commands/rules/pin.ts", "shared/a.ts"];
    const files = paths.map((path) => file(path, ""));
    expect(sharedNames(files, ["scripts/commands/"])).toEqual(["shared/domain/pin.ts, shared/flows/pin.ts"]);
    expect(sharedNames(files, ["scripts/commands/", "shared/flows/"])).toEqual([]);
  });

  const refuses = (banned: Banned, text: string) => bannedIn([file("a.ts", text)], banned).length > 0;

  it.each(["enum Kind { A }", "export const enum Kind { A }", "declare enum Kind {}"])("refuses %s", (text) => {
    expect(refuses(enums, text)).toBe(true);
  });

  it.each([
    "const now = Date.now();",
    "const now = new Date();",
    "const now = new Date( );",
    "const now = new Date;",
    "const now = Date();",
    "const chance = Math.random();",
    "const home = process.env.HOME;",
    'const home = process["env"];',
    'import { randomUUID } from "node:crypto";',
    "crypto.getRandomValues(bytes);",
    "setTimeout(look, 10);",
    "const start = performance.now();",
  ])("refuses in domain and flows: %s", (text) => {
    expect(refuses(ambient, text)).toBe(true);
  });

  it.each([
    "const at = new Date(now.getTime() + leaseMs);",
    "const at: Date = new Date(0);",
    "// not Date.now()",
    'const text = "new Date()";',
    "export function processed(now: Date) {}",
  ])("takes in domain and flows: %s", (text) => {
    expect(refuses(ambient, text)).toBe(false);
  });

  it.each([
    "const what = \"Register one with 'turnout component apply FILE'.\";",
    "const what = `look at it with 'turnout explain mailer'`;",
    'const what = "start once with --trust-clock";',
    'const what = "--force goes past it";',
    'const what = "(--name)";',
  ])("refuses in what is not of a terminal: %s", (text) => {
    expect(commandWords([file("shared/domain/errors.ts", text)])).toHaveLength(1);
  });

  it.each([
    'const args = ["unshare", "--fork"];',
    "// turnout explain --at 5",
    "/** `--force` goes past it. */",
    'const table = "turnout-events";',
    "for (let left = 3; --left > 0; ) take();",
    'const gap = "from -- to";',
  ])("takes in what is not of a terminal: %s", (text) => {
    expect(commandWords([file("shared/domain/errors.ts", text)])).toEqual([]);
  });

  it.each([
    'it.skip("later", () => {});',
    'describe.only("this", () => {});',
    'it.skip.each([1])("later %s", () => {});',
    'test.todo("one day");',
    'it.skipIf(isSlow)("later", () => {});',
    'it.runIf(isFast)("now", () => {});',
    'it("later", { skip: true }, () => {});',
    'it.concurrent.only("this", () => {});',
    'it("this", { only: true }, () => {});',
    'xit("later", () => {});',
    "context.skip();",
  ])("refuses in a test: %s", (text) => {
    expect(refuses(skippedOrFocused, text)).toBe(true);
  });

  it.each(["clock.skip(1_000);", 'it("only the first", () => {});', "const only = list.at(0);"])(
    "takes in a test: %s",
    (text) => {
      expect(refuses(skippedOrFocused, text)).toBe(false);
    },
  );
});
