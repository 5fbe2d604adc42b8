import { expect, it } from "vitest";
import type { Release } from "../../../shared/domain/routing/release.ts";
import { releaseNamed, releases } from "../../../shared/flows/release/find-release.ts";
import { aComponent } from "../../support/builders.ts";
import { aRelease, BEGAN, minutesLater } from "../../support/releases.ts";

const ended = { how: "done", who: "ada", why: "x", at: BEGAN.toISOString() } as const;

/** A component for each, which has this release. */
function among(...all: (Partial<Release> | undefined)[]) {
  const components = all.map((about, number) => ({
    ...aComponent({ name: `c-${number}` }),
    ...(about && { release: aRelease(about) }),
  }));
  return { components: async () => ({ components, unreadable: [], revision: 1, usersHaveRows: false }) };
}

it("releases under way come before ended ones, and of each the latest first", async () => {
  const startedAt = (minutes: number) => minutesLater(minutes).toISOString();
  const table = among(
    { id: "old", startedAt: startedAt(1), ended },
    { id: "young", startedAt: startedAt(4), ended },
    undefined,
    { id: "first", startedAt: startedAt(2) },
    { id: "second", startedAt: startedAt(3) },
  );
  const found = await releases(table);
  expect(found.map(({ release, component }) => [release.id, component.name])).toEqual([
    ["second", "c-4"],
    ["first", "c-3"],
    ["young", "c-1"],
    ["old", "c-0"],
  ]);
});

it("a release is found by its name, or those that there are are named", async () => {
  const table = among({ id: "one" }, { id: "two", ended });
  expect(await releaseNamed(table, "two")).toMatchObject({ component: { name: "c-1" }, release: { id: "two" } });
  await expect(releaseNamed(table, "three")).rejects.toMatchObject({
    kind: "not found",
    message: "No release 'three'. There are: one, two.",
    remedies: [],
  });
});

it("where there is no release at all it says so, and how to start one", async () => {
  await expect(releaseNamed(among(undefined), "three")).rejects.toMatchObject({
    message: "No release 'three'. There are none yet.",
    remedies: [{ operation: "start release" }],
  });
});
