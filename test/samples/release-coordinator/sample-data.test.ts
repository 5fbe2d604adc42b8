import { expect, test } from "vitest";
import {
  type SampleEvent,
  sampleComponent,
  sampleDirectory,
  sampleEvents,
  samplePins,
} from "../../../functions/samples/github-webhooks.ts";
import { readGithubEvent } from "../../../functions/samples/release-coordinator/github-events.ts";
import { applyEvent } from "../../../functions/samples/release-coordinator/project-state.ts";
import { rule as version22 } from "../../../functions/samples/release-coordinator/version-22.ts";
import { rule as version23 } from "../../../functions/samples/release-coordinator/version-23.ts";
import { rule as version24 } from "../../../functions/samples/release-coordinator/version-24.ts";
import { stateInMemory } from "./webhook-builders.ts";

type Alias = keyof typeof sampleComponent.aliases;

const projectOf = ({ detail }: SampleEvent) =>
  (detail as { repository?: { full_name: string } }).repository?.full_name ?? null;

const matched = (event: SampleEvent) => sampleComponent.pattern["detail-type"].includes(event.detailType);

/** Project pin, customer pin, plan pin, else stable. */
function aliasFor(project: string): Alias {
  const customer = sampleDirectory.projects[project]?.customer ?? "";
  const ids = { project, customer, plan: sampleDirectory.customers[customer]?.plan ?? "" };
  const pin = (["project", "customer", "plan"] as const)
    .map((level) => samplePins.find((pin) => pin.level === level && pin.id === ids[level]))
    .find((pin) => pin !== undefined);
  return (pin?.alias ?? "stable") as Alias;
}

test("the sample has all of the published events, each with an id that stays the same", () => {
  const events = sampleEvents();
  expect(events).toHaveLength(329);
  expect(new Set(events.map(({ id }) => id)).size).toBe(329);
  expect(events).toEqual(sampleEvents());
  expect(events[0]?.id).toBe("143a6b9afc5e3a913062878493369e40");
});

test("every event belongs to a sample project or to no repository at all", () => {
  const projects = new Set(sampleEvents().map(projectOf));
  expect(projects).toEqual(new Set([...Object.keys(sampleDirectory.projects), null]));
});

test("an event names its sample project in every place where GitHub names the repository", () => {
  const pull = sampleEvents().find(({ detailType }) => detailType === "pull_request")?.detail;
  const repository = (pull as { repository: { full_name: string; name: string; owner: { login: string } } }).repository;
  expect(`${repository.owner.login}/${repository.name}`).toBe(repository.full_name);
  expect(pull).toMatchObject({ pull_request: { base: { repo: { full_name: repository.full_name } } } });
  expect(JSON.stringify(pull)).not.toContain("Codertocat/Hello-World");
});

test("the sample gives every version at least a tenth of the component's events", () => {
  const counts: Record<Alias, number> = { stable: 0, beta: 0, experimental: 0 };
  const events = sampleEvents().filter(matched);
  for (const event of events) counts[aliasFor(projectOf(event) ?? "")] += 1;
  for (const count of Object.values(counts)) expect(count / events.length).toBeGreaterThanOrEqual(0.1);
});

test("every pin names an alias that the component has, and a subject of the directory", () => {
  const { projects, customers } = sampleDirectory;
  const ids = {
    project: Object.keys(projects),
    customer: Object.keys(customers),
    plan: Object.values(customers).map(({ plan }) => plan),
  };
  for (const { level, id, alias } of samplePins) {
    expect(Object.keys(sampleComponent.aliases)).toContain(alias);
    expect(ids[level]).toContain(id);
  }
});

test("the versions work all of the sample events off and come to releases", () => {
  const state = stateInMemory();
  const rules = { stable: version22, beta: version23, experimental: version24 };
  const releases = new Map<string, string | null>();
  for (const event of sampleEvents().filter(matched)) {
    const { project, facts } = readGithubEvent(event.detailType, event.detail, 0);
    const incoming = { idempotencyKey: event.id, generation: "live", eventType: event.detailType, project, facts };
    releases.set(project ?? "", applyEvent(state, incoming, rules[aliasFor(project ?? "")], new Date(0)).release);
  }
  expect(
    Object.fromEntries([...releases].map(([project, release]) => [project, release?.slice(0, 7) ?? null])),
  ).toEqual({
    "acme/api": "3484a3f",
    "acme/site": "3484a3f",
    "globex/shop": "6113728",
    "hooli/search": null,
    "initech/tps": "6113728",
    "umbrella/lab": "f95f852",
  });
});
