import { createHash } from "node:crypto";
import { createRequire } from "node:module";

/** A GitHub webhook event as a service would publish it; `id` is the same on every call, so it can be its event id. */
export type SampleEvent = { id: string; source: "github.com"; detailType: string; detail: object };

/** A pin to set up for the samples; for so many days, where its alias asks for an end. */
export type SamplePin = {
  level: "project" | "customer" | "plan";
  id: string;
  alias: string;
  reason: string;
  days?: number;
};

/** Who owns which project, and on which plan they are. */
export const sampleDirectory: {
  projects: Record<string, { customer: string }>;
  customers: Record<string, { plan: string }>;
} = {
  projects: {
    "acme/site": { customer: "acme" },
    "acme/api": { customer: "acme" },
    "globex/shop": { customer: "globex" },
    "initech/tps": { customer: "initech" },
    "hooli/search": { customer: "hooli" },
    "umbrella/lab": { customer: "umbrella" },
  },
  customers: {
    acme: { plan: "paid" },
    globex: { plan: "paid" },
    initech: { plan: "free" },
    hooli: { plan: "enterprise" },
    umbrella: { plan: "free" },
  },
};

/** A pin on each level. Whoever has none is on `stable`, acme with its second project among them. */
export const samplePins: SamplePin[] = [
  { level: "customer", id: "globex", alias: "beta", reason: "globex asked for earlier releases" },
  { level: "project", id: "acme/api", alias: "stable", reason: "acme's API is under a change freeze" },
  {
    level: "project",
    id: "umbrella/lab",
    alias: "experimental",
    reason: "umbrella's lab tries staged releases",
    days: 90,
  },
  {
    level: "plan",
    id: "enterprise",
    alias: "experimental",
    reason: "enterprise customers review staged releases",
    days: 90,
  },
];

/** The sample component; its version folder is the same for all versions, the handler chooses. */
export const sampleComponent = {
  name: "release-coordinator",
  folder: "functions/samples/release-coordinator",
  pattern: {
    source: ["github.com"],
    "detail-type": [
      "push",
      "pull_request",
      "check_run",
      "check_suite",
      "workflow_run",
      "status",
      "deployment",
      "deployment_status",
      "release",
    ],
  },
  aliases: {
    stable: { version: "22", handler: "version-22.handler" },
    beta: { version: "23", handler: "version-23.handler" },
    experimental: { version: "24", handler: "version-24.handler" },
  },
  /** Per event source; the idempotency key is the event id, which is the default. */
  sources: { "github.com": { project: "detail.repository.full_name" } },
  /** The environment variable with the path of the SQLite file where it keeps its state. */
  stateVariable: "RELEASE_COORDINATOR_STATE",
};

type PublishedExamples = { name: string; examples: object[] }[];

/**
 * Every example payload that GitHub publishes (about 330 of 58 types), in the published order. Nearly all are of one
 * repository; here the repositories take turns at belonging to the sample projects. Events without one stay as they are.
 */
export function sampleEvents(): SampleEvent[] {
  // `require`, since the type of an import would be inferred from 4 MB of JSON.
  const published = createRequire(import.meta.url)("@octokit/webhooks-examples") as PublishedExamples;
  const projects = Object.keys(sampleDirectory.projects);
  let turn = 0;
  return published
    .flatMap(({ name, examples }) => examples.map((example) => ({ name, example })))
    .map(({ name, example }, index) => {
      const project = projects[turn % projects.length] ?? "";
      const detail = hasRepository(example) ? reowned(example, project) : structuredClone(example);
      if (hasRepository(example)) turn += 1;
      return { id: stableId(name, index, detail), source: "github.com", detailType: name, detail };
    });
}

type Owned = { repository: { full_name: string }; organization?: { login: string } };

const hasRepository = (example: object): example is Owned =>
  "repository" in example && typeof (example as Owned).repository?.full_name === "string";

/** The payload with its repository, and the organization it belongs to, under another name wherever they are named. */
function reowned(example: Owned, project: string): object {
  const [owner = "", name = ""] = project.split("/");
  const from = example.repository.full_name;
  const oldOwners = new Set([from.split("/")[0] ?? "", example.organization?.login ?? ""]);

  const rename = (value: unknown, key: string): unknown => {
    if (typeof value === "string") return value.replaceAll(from, project);
    if (Array.isArray(value)) return value.map((item) => rename(item, key));
    if (typeof value !== "object" || value === null) return value;
    const account = value as { login?: unknown };
    if ((key === "owner" || key === "organization") && oldOwners.has(String(account.login)))
      return renameAccount(value, String(account.login), owner);
    const renamed = Object.fromEntries(Object.entries(value).map(([inner, item]) => [inner, rename(item, inner)]));
    return (value as { full_name?: unknown }).full_name === from ? { ...renamed, name } : renamed;
  };
  return rename(example, "") as object;
}

/** An owner's name stands in its `login`, `name`, `email` and all of its addresses. */
function renameAccount(account: object, from: string, to: string): object {
  const renamed = Object.entries(account).map(([key, value]) => [
    key,
    typeof value === "string" && key !== "node_id" ? value.replaceAll(from, to) : value,
  ]);
  return Object.fromEntries(renamed);
}

const stableId = (name: string, index: number, detail: object): string =>
  createHash("sha256")
    .update(`${index}\n${name}\n${JSON.stringify(detail)}`)
    .digest("hex")
    .slice(0, 32);
