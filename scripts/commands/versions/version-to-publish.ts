import { resolve } from "node:path";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import type { Component } from "../../../shared/domain/routing/component.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { LambdaVersionCatalog } from "../../../shared/versions/lambda-version-catalog.ts";
import type { PublishedVersion } from "../../../shared/versions/version-catalog.ts";
import { entryOf } from "../../../shared/versions/version-entry.ts";
import { codeSha256, readCodeFolder } from "../../../shared/versions/version-folder.ts";
import { usage } from "../terminal/options.ts";

export type CodeOptions = { handler?: string; number?: number; codeSha256?: string; description: string };

export type NewVersion = { version: string; codeSha256: string; isNew: boolean };

/** Code that may become a version. */
export type CodeToPublish = {
  /** What it is, for a person. */
  text: string;
  /** The newest version, if it is this very code. */
  publishedAs?: string;
  publish(now: Date): Promise<NewVersion>;
};

/** A folder's code, or on AWS what the component's function has. @throws TurnoutError `usage` for the other one's options */
export async function codeToPublish(
  { versions }: Installation,
  component: Component,
  folder: string | undefined,
  options: CodeOptions,
): Promise<CodeToPublish> {
  if (versions.from === "functions") {
    refuseOnAws(versions.environment, folder, options);
    return codeOfFunction(versions.catalog, component.name, options);
  }
  if (options.codeSha256 !== undefined) throw usage("--code-sha256 is for functions on AWS, with --env.");
  if (folder === undefined) {
    throw usage(
      "Name the folder with the version's code; or with --env an environment on AWS, where functions have it.",
    );
  }
  return codeOfFolder(versions, component, folder, options);
}

function refuseOnAws(environment: string, folder: string | undefined, { handler, number }: CodeOptions): void {
  const there = `In ${environment}, on AWS, versions are those of Lambda functions`;
  if (folder !== undefined) {
    throw usage(`${there}: upload ${folder} to the function, by whatever deploys it, and leave the folder out here.`);
  }
  if (handler !== undefined) throw usage(`${there}, whose handler is one of their settings. Leave --handler out.`);
  if (number !== undefined) throw usage(`${there}, and Lambda gives the number. Leave --number out.`);
}

async function codeOfFolder(
  { catalog, load }: Installation["versions"] & { from: "folders" },
  { name, worker }: Component,
  folder: string,
  { handler: named, number, description }: CodeOptions,
): Promise<CodeToPublish> {
  const source = resolve(folder);
  const code = await readCodeFolder(source);
  const handler = await entryOf(code, named);
  const sha = await codeSha256(code, handler);
  const newest = (await catalog.versions(name)).at(-1);
  const about = {
    component: name,
    source,
    handler,
    description,
    load: load(worker),
    ...(number === undefined ? {} : { number }),
  };
  return {
    text: folder,
    ...(newest?.codeSha256 === sha ? { publishedAs: newest.version } : {}),
    publish: async (now) => flat(await catalog.publish({ ...about, now })),
  };
}

async function codeOfFunction(
  catalog: LambdaVersionCatalog,
  component: string,
  { codeSha256: expected, description }: CodeOptions,
): Promise<CodeToPublish> {
  const code = await catalog.currentCode(component);
  if (expected !== undefined && hexOf(expected) !== code.codeSha256) {
    throw new TurnoutError(
      "conflict",
      `${code.functionArn} has other code (SHA-256 ${code.codeSha256}) than --code-sha256 says (${hexOf(expected)}). ` +
        "Nothing was published: upload yours, or look at who has uploaded what is there.",
    );
  }
  const { publishedAs } = code;
  return {
    text: `what ${code.functionArn} has (code ${code.codeSha256.slice(0, 12)})`,
    ...(publishedAs === undefined ? {} : { publishedAs: publishedAs.version }),
    publish: async () =>
      publishedAs === undefined
        ? flat(await catalog.publish({ component, code, ...(description === "" ? {} : { description }) }))
        : flat({ version: publishedAs, isNew: false }),
  };
}

/** Lambda and the tools around it write hashes in base64. */
function hexOf(hash: string): string {
  if (/^[0-9a-f]{64}$/i.test(hash)) return hash.toLowerCase();
  const bytes = Buffer.from(hash, "base64");
  if (bytes.length !== 32)
    throw usage("--code-sha256: expected a SHA-256, as 44 characters of base64 or 64 of hexadecimal.");
  return bytes.toString("hex");
}

function flat({ version: { version, codeSha256: sha }, isNew }: PublishedVersion): NewVersion {
  return { version, codeSha256: sha, isNew };
}
