import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const documents = ["README.md", "CONTRIBUTING.md", ...globSync("docs/**/*.md")];

/** Paths from the root in backticks, as far as they begin with a folder of the source; without wildcards. */
function pathsIn(text: string): string[] {
  const quoted = [...text.matchAll(/`([^`\n]+)`/g)].map(([, path = ""]) => path);
  return quoted.filter((path) =>
    /^(functions|infra|scripts|shared|test|docs|\.ci|\.github|\.vscode)\/[\w./-]+$/.test(path),
  );
}

/** Where links of a document lead, as paths from the root; those to the web and within the page are left out. */
function linksIn(document: string, text: string): string[] {
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => !/^[a-z]+:/.test(link)).map((link) => join(dirname(document), link));
}

/** Scripts of package.json that are named as `npm run NAME`. */
function scriptsIn(text: string): string[] {
  return [...text.matchAll(/npm run ([a-z]+)/g)].map(([, name = ""]) => name);
}

describe("A document", () => {
  it.each(documents)("names only files and folders that are there: %s", (document) => {
    const text = readFileSync(document, "utf8");
    expect([...pathsIn(text), ...linksIn(document, text)].filter((path) => !existsSync(path))).toEqual([]);
  });

  it.each(documents)("names only scripts that package.json has: %s", (document) => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
    expect(scriptsIn(readFileSync(document, "utf8")).filter((name) => !(name in scripts))).toEqual([]);
  });

  it("is looked through for paths, links and scripts", () => {
    const text =
      "see `shared/flows`, `a/b` and [why](decisions/x.md#y); not [this](https://example.com): `npm run dev`";
    expect(pathsIn(text)).toEqual(["shared/flows"]);
    expect(linksIn("docs/y.md", text)).toEqual(["docs/decisions/x.md"]);
    expect(scriptsIn(text)).toEqual(["dev"]);
  });

  it("A page of the decisions is named in their table", () => {
    const table = linksIn("docs/decisions/README.md", readFileSync("docs/decisions/README.md", "utf8"));
    expect(
      globSync("docs/decisions/*.md").filter((page) => !page.endsWith("README.md") && !table.includes(page)),
    ).toEqual([]);
  });
});
