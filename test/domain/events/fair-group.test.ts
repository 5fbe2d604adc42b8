import { expect, it } from "vitest";
import type { EventSource } from "../../../shared/domain/events/event.ts";
import { fairGroupOf } from "../../../shared/domain/events/fair-group.ts";

const github: EventSource = { source: "github", project: "detail.repository.full_name", customer: "detail.owner" };

it.each<[string, Record<string, unknown>, EventSource | undefined, string]>([
  ["its project", { metadata: { project: "site", customer: "acme" } }, undefined, "project#site"],
  ["its customer where it names no project", { metadata: { customer: "acme" } }, undefined, "customer#acme"],
  ["the project at its source's path", { repository: { full_name: "acme/site" } }, github, "project#acme/site"],
  ["the customer at its source's path", { owner: "acme" }, github, "customer#acme"],
  ["its source where it names nobody", { total: 3 }, github, "source#github"],
  [
    "its source where it names somebody wrongly",
    { metadata: { project: 7, customer: "acme" } },
    github,
    "source#github",
  ],
])("an event takes its turn with those of %s", (_, detail, row, group) => {
  const about = { version: "0", id: "1", source: "github", "detail-type": "push", time: "2026-11-20T10:00:00Z" };
  expect(fairGroupOf({ ...about, detail }, row)).toBe(group);
  expect(fairGroupOf({ ...about, detail }, row, detail.metadata)).toBe(group);
});
