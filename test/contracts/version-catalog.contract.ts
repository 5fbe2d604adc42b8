import { randomUUID } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import type { PublishedVersion, VersionCatalog } from "../../shared/versions/version-catalog.ts";

export type OpenVersionCatalog = {
  /** May hold what other tests have published, but nobody else publishes to this test's component. */
  catalog: VersionCatalog;
  /** Publishes a version whose code is this text, and waits until it can be pointed at. */
  publish(version: { component: string; code: string; description?: string }): Promise<PublishedVersion>;
  close(): Promise<void>;
};

/** What every version catalog does. Version numbers are whatever the catalog gives; they only have to differ. */
export function describeVersionCatalog(name: string, open: () => Promise<OpenVersionCatalog>): void {
  async function openCatalog() {
    const { close, ...opened } = await open();
    onTestFinished(close);
    return { ...opened, component: `test-${randomUUID()}` };
  }

  async function withVersions() {
    const opened = await openCatalog();
    const { component, publish } = opened;
    const [first, second] = [await publish({ component, code: "one" }), await publish({ component, code: "two" })];
    return { ...opened, one: first.version.version, two: second.version.version };
  }

  describe(`publishing (${name})`, () => {
    test("a component that nobody has published has no versions and no aliases", async () => {
      const { catalog, component } = await openCatalog();
      expect(await catalog.versions(component)).toEqual([]);
      expect(await catalog.aliases(component)).toEqual([]);
    });

    test("each new code makes a version of its own, and they are listed oldest first", async () => {
      const { catalog, component, publish } = await openCatalog();
      const published: PublishedVersion[] = [];
      for (const code of ["one", "two", "three"]) {
        published.push(await publish({ component, code, description: `about ${code}` }));
      }
      const versions = await catalog.versions(component);
      expect(versions).toEqual(published.map(({ version }) => version));
      expect(published.every(({ isNew }) => isNew)).toBe(true);
      expect(new Set(versions.map(({ version }) => version)).size).toBe(3);
      expect(new Set(versions.map(({ codeSha256 }) => codeSha256)).size).toBe(3);
      expect(versions.map(({ description }) => description)).toEqual(["about one", "about two", "about three"]);
    });

    test("a version carries its hash and when it was published", async () => {
      const { component, publish } = await openCatalog();
      const { version } = await publish({ component, code: "one" });
      expect(version.codeSha256).toMatch(/^[0-9a-f]{64}$/);
      expect(version.publishedAt).toBeInstanceOf(Date);
      expect(version.publishedAt.getTime()).toBeGreaterThan(0);
    });

    test("the newest version's code again makes no version", async () => {
      const { catalog, component, publish } = await openCatalog();
      const first = await publish({ component, code: "one" });
      const again = await publish({ component, code: "one", description: "another description" });
      expect(again).toEqual({ version: first.version, isNew: false });
      expect(await catalog.versions(component)).toHaveLength(1);
    });

    test("the code of an older version is a version again", async () => {
      const { catalog, component, publish } = await withVersions();
      const { isNew } = await publish({ component, code: "one" });
      const [oldest, , newest] = await catalog.versions(component);
      expect(isNew).toBe(true);
      expect(newest?.codeSha256).toBe(oldest?.codeSha256);
      expect(newest?.version).not.toBe(oldest?.version);
    });

    test("components have their versions apart", async () => {
      const { catalog, component, publish } = await openCatalog();
      const other = `${component}-b`;
      await publish({ component, code: "one" });
      await publish({ component: other, code: "one" });
      expect(await catalog.versions(component)).toHaveLength(1);
      expect(await catalog.versions(other)).toHaveLength(1);
    });

    test("moves no alias", async () => {
      const { catalog, component } = await withVersions();
      expect(await catalog.aliases(component)).toEqual([]);
    });
  });

  describe(`moving an alias (${name})`, () => {
    test("points it at the version, wherever it pointed before", async () => {
      const { catalog, component, one, two } = await withVersions();
      expect(await catalog.moveAlias(component, "stable", one)).toBe(true);
      expect(await catalog.aliases(component)).toEqual([{ alias: "stable", version: one }]);
      expect(await catalog.moveAlias(component, "stable", two)).toBe(true);
      expect(await catalog.moveAlias(component, "beta", one)).toBe(true);
      const aliases = await catalog.aliases(component);
      expect(aliases.toSorted((a, b) => (a.alias < b.alias ? -1 : 1))).toEqual([
        { alias: "beta", version: one },
        { alias: "stable", version: two },
      ]);
    });

    test("moving an alias with an expected version moves it only from there", async () => {
      const { catalog, component, one, two } = await withVersions();
      await catalog.moveAlias(component, "stable", one);
      expect(await catalog.moveAlias(component, "stable", two, two)).toBe(false);
      expect(await catalog.aliases(component)).toEqual([{ alias: "stable", version: one }]);
      expect(await catalog.moveAlias(component, "stable", two, one)).toBe(true);
      expect(await catalog.aliases(component)).toEqual([{ alias: "stable", version: two }]);
    });

    test("expected to point nowhere moves it only the first time", async () => {
      const { catalog, component, one, two } = await withVersions();
      expect(await catalog.moveAlias(component, "stable", one, null)).toBe(true);
      expect(await catalog.moveAlias(component, "stable", two, null)).toBe(false);
      expect(await catalog.aliases(component)).toEqual([{ alias: "stable", version: one }]);
    });

    test("moving an alias that points nowhere doesn't move it from an expected version", async () => {
      const { catalog, component, one, two } = await withVersions();
      expect(await catalog.moveAlias(component, "stable", two, one)).toBe(false);
      expect(await catalog.aliases(component)).toEqual([]);
    });

    test("moving an alias to where it points already is no conflict", async () => {
      const { catalog, component, one } = await withVersions();
      await catalog.moveAlias(component, "stable", one);
      expect(await catalog.moveAlias(component, "stable", one, one)).toBe(true);
    });

    test("is won by one of many who expect the same", async () => {
      const { catalog, component, one, two } = await withVersions();
      await catalog.moveAlias(component, "stable", one);
      const moves = Array.from({ length: 8 }, () => catalog.moveAlias(component, "stable", two, one));
      expect((await Promise.all(moves)).filter((moved) => moved)).toHaveLength(1);
    });

    test("moving an alias of one component leaves another's alias of that name alone", async () => {
      const { catalog, component, publish, one } = await withVersions();
      const other = `${component}-b`;
      const { version } = await publish({ component: other, code: "one" });
      await catalog.moveAlias(other, "stable", version.version);
      await catalog.moveAlias(component, "beta", one);
      expect(await catalog.aliases(other)).toEqual([{ alias: "stable", version: version.version }]);
    });

    test.each(["999999", "0", "1.0", "nonsense", ""])(
      "fails for the version '%s', which isn't there",
      async (version) => {
        const { catalog, component, one } = await withVersions();
        await catalog.moveAlias(component, "stable", one);
        const moving = catalog.moveAlias(component, "stable", version);
        await expect(moving).rejects.toMatchObject({ kind: "not found", message: expect.stringContaining(component) });
        expect(await catalog.aliases(component)).toEqual([{ alias: "stable", version: one }]);
      },
    );

    test("fails for another component's version", async () => {
      const { catalog, component, one } = await withVersions();
      await expect(catalog.moveAlias(`${component}-b`, "stable", one)).rejects.toMatchObject({ kind: "not found" });
    });
  });

  describe(`removing a version (${name})`, () => {
    test("takes it out of the list, and leaves the others", async () => {
      const { catalog, component, one, two } = await withVersions();
      expect(await catalog.removeVersion(component, one)).toBe(true);
      expect((await catalog.versions(component)).map(({ version }) => version)).toEqual([two]);
      await expect(catalog.moveAlias(component, "stable", one)).rejects.toMatchObject({ kind: "not found" });
    });

    test("removing a version that an alias points at changes nothing", async () => {
      const { catalog, component, one } = await withVersions();
      await catalog.moveAlias(component, "stable", one);
      expect(await catalog.removeVersion(component, one)).toBe(false);
      expect(await catalog.versions(component)).toHaveLength(2);
    });

    test("again is no error", async () => {
      const { catalog, component, one } = await withVersions();
      await catalog.removeVersion(component, one);
      expect(await catalog.removeVersion(component, one)).toBe(true);
    });

    test("removing a version of one component leaves another's version of that number alone", async () => {
      const { catalog, component, publish, one } = await withVersions();
      const other = `${component}-b`;
      await publish({ component: other, code: "one" });
      await catalog.removeVersion(component, one);
      expect(await catalog.versions(other)).toHaveLength(1);
    });
  });
}
