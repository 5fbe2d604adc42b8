import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

type Locked = {
  integrity?: string;
  inBundle?: true;
  hasInstallScript?: true;
  dev?: true;
  link?: true;
  os?: string | string[];
  optional?: true;
};

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, Locked> };
/** What comes from elsewhere; what is bundled comes inside of another. */
const installed = Object.entries(packages).filter(
  ([path, { link, inBundle }]) => path.startsWith("node_modules/") && link !== true && inBundle !== true,
);
const { optionalDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
  optionalDependencies: Record<string, string>;
};

it("every package is locked to its content, Node itself for each platform among them", () => {
  expect(installed.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")).map(([path]) => path)).toEqual([]);
  const nodes = Object.keys(optionalDependencies).filter((name) => name.startsWith("node-"));
  expect(nodes).toHaveLength(4);
  for (const name of nodes) {
    expect(optionalDependencies[name]).toMatch(/^24\.\d+\.\d+$/);
    expect(packages[`node_modules/${name}`]).toMatchObject({ optional: true, os: expect.anything() });
  }
});

it("no package that runs in production brings what it needs by a script of its own when it is installed, where the lockfile doesn't see it", () => {
  const scripted = installed.filter(([, { hasInstallScript, dev }]) => hasInstallScript && !dev);
  expect(scripted.map(([path]) => path)).toEqual([]);
});
