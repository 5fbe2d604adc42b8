import { describe, expect, it } from "vitest";
import { moveAlias } from "../../shared/flows/versions/move-alias.ts";
import { lambdaVersionCatalog } from "../../shared/versions/lambda-version-catalog.ts";
import {
  deniedAnswer,
  functionArn,
  lambdaControlClient,
  lambdaControlStub,
  throttledAnswer,
} from "../support/lambda-control-stub.ts";
import { noEvents } from "../support/no-events.ts";
import { aRoutingTable } from "../support/routing-table.ts";
import { describeVersionCatalog } from "./version-catalog.contract.ts";

const component = "mailer";

describeVersionCatalog("Lambda", async () => {
  const stub = await lambdaControlStub();
  const catalog = lambdaVersionCatalog({
    client: lambdaControlClient(stub.endpoint),
    // A deployment has made the function; nothing of it is published.
    async functionOf(name) {
      if (!stub.has(name)) stub.upload(name, "as deployed");
      return functionArn(name);
    },
  });
  return {
    catalog,
    async publish({ component: name, code, description }) {
      stub.upload(name, code);
      const current = await catalog.currentCode(name);
      return catalog.publish({ component: name, code: current, ...(description === undefined ? {} : { description }) });
    },
    close: async () => {},
  };
});

/** Function mailer with versions 1 and 2, and stable at 1. */
async function aFunction(functionOf?: (name: string) => Promise<string | undefined>, region?: string) {
  const stub = await lambdaControlStub();
  const client = lambdaControlClient(stub.endpoint, region);
  const catalog = lambdaVersionCatalog({ client, functionOf: functionOf ?? (async () => functionArn(component)) });
  stub.release(component, "one");
  stub.release(component, "two");
  stub.point(component, "stable", "1");
  return { stub, catalog };
}

describe("the catalog on Lambda", () => {
  it("reads all pages, and leaves out $LATEST", async () => {
    const { stub, catalog } = await aFunction();
    for (const code of ["three", "four", "five"]) stub.release(component, code);
    for (const alias of ["beta", "experimental", "branch-a", "branch-b"]) stub.point(component, alias, "2");
    expect((await catalog.versions(component)).map(({ version }) => version)).toEqual(["1", "2", "3", "4", "5"]);
    expect(await catalog.aliases(component)).toHaveLength(5);
    expect(stub.counts).toMatchObject({ ListVersionsByFunction: 3, ListAliases: 3 });
  });

  it("loses to whoever moves the alias between its look and its move", async () => {
    const { stub, catalog } = await aFunction();
    stub.onRequest((operation) => operation === "UpdateAlias" && stub.point(component, "stable", "1"));
    expect(await catalog.moveAlias(component, "stable", "2", "1")).toBe(false);
    expect(stub.aliasesOf(component)).toEqual({ stable: "1" });
  });

  it.each([
    ["UpdateAlias", "stable", "1", "2"],
    ["CreateAlias", "beta", null, "2"],
  ])("whose answer to %s is lost is known by where the alias is then", async (operation, alias, from, to) => {
    const { stub, catalog } = await aFunction();
    const { table } = aRoutingTable();
    stub.loseAnswer(operation);
    let ids = 0;
    const request = { kind: "set", who: "ada", why: "a test", command: "test", at: new Date() } as const;
    const ports = { table, events: noEvents, catalog, newId: () => `id-${++ids}` };
    await moveAlias(ports, { ...request, move: { component, alias, from, to } });
    expect(stub.aliasesOf(component)[alias]).toBe(to);
    expect(stub.counts[operation]).toBe(2);
    expect((await table.changesAfter(0, 9)).map(({ move }) => move?.stage)).toEqual(["intended", "settled"]);
  });

  it("leaves an alias alone that is shared out between versions, and says so", async () => {
    const { stub, catalog } = await aFunction();
    stub.point(component, "stable", "1", { 2: 0.1 });
    expect(await catalog.aliases(component)).toEqual([{ alias: "stable", version: "1", alsoTo: { 2: 0.1 } }]);
    expect(await catalog.moveAlias(component, "stable", "2", "1")).toBe(false);
    expect(await catalog.moveAlias(component, "stable", "2")).toBe(false);
    expect(stub.counts.UpdateAlias).toBeUndefined();
  });

  it("has nothing of a component without a function, and fails to move its aliases", async () => {
    const { catalog } = await aFunction(async () => undefined);
    expect([await catalog.versions(component), await catalog.aliases(component)]).toEqual([[], []]);
    const moving = catalog.moveAlias(component, "stable", "1");
    await expect(moving).rejects.toMatchObject({ kind: "not found", message: /no Lambda function.*component apply/ });
  });

  it("fails for a function that isn't there, whatever is asked", async () => {
    const { catalog } = await aFunction(async () => functionArn("gone"));
    const asked = [
      () => catalog.versions(component),
      () => catalog.aliases(component),
      () => catalog.moveAlias(component, "stable", "1"),
      () => catalog.currentCode(component),
      () => catalog.publish({ component, code: { lambdaHash: "", revision: "" } }),
    ];
    for (const ask of asked) {
      const message = `There is no Lambda function ${functionArn("gone")}, which mailer is to be.`;
      await expect(ask()).rejects.toMatchObject({ kind: "not found", message: expect.stringContaining(message) });
    }
  });

  it("fails before it asks for a function of another region", async () => {
    const { stub, catalog } = await aFunction(undefined, "us-east-1");
    await expect(catalog.aliases(component)).rejects.toMatchObject({
      kind: "usage",
      message: /mailer is a function in eu-west-1 .* and this is us-east-1\. Set AWS_REGION to eu-west-1/,
    });
    expect(stub.counts).toEqual({});
  });

  it("tries again what is throttled, and says when it was in vain", async () => {
    const { stub, catalog } = await aFunction();
    stub.fail("*", throttledAnswer, throttledAnswer);
    expect(await catalog.moveAlias(component, "stable", "2", "1")).toBe(true);
    expect(stub.counts).toMatchObject({ GetAlias: 3, UpdateAlias: 1 });
    stub.fail("*", throttledAnswer, throttledAnswer, throttledAnswer);
    await expect(catalog.aliases(component)).rejects.toMatchObject({
      kind: "failed",
      message: /turned the request away 3 times.*TooManyRequestsException.*Try again in a minute/,
    });
  });

  it.each([
    [
      deniedAnswer("lambda:UpdateAlias", `${functionArn(component)}:stable`),
      "not allowed",
      /assumed-role\/Viewer\/ada may not do lambda:UpdateAlias on arn:aws:lambda:\S+:stable\. Ask whoever/,
    ],
    [
      { status: 403, errorType: "ExpiredTokenException", message: "The security token included is expired" },
      "not allowed",
      /session has expired.*aws sso login/,
    ],
    [
      { status: 403, errorType: "UnrecognizedClientException", message: "The security token is invalid." },
      "not allowed",
      /doesn't know these credentials in eu-west-1/,
    ],
    [
      { status: 409, errorType: "ResourceConflictException", message: "An update is in progress" },
      "conflict",
      /still at an earlier change of mailer/,
    ],
  ])("says what to do about %j", async (answer, kind, message) => {
    const { stub, catalog } = await aFunction();
    stub.fail("UpdateAlias", answer);
    await expect(catalog.moveAlias(component, "stable", "2", "1")).rejects.toMatchObject({ kind, message });
    expect(stub.aliasesOf(component)).toEqual({ stable: "1" });
  });
});

it("An alias that can't be made while the function changes is no lost race", async () => {
  const { stub, catalog } = await aFunction();
  stub.fail("CreateAlias", {
    status: 409,
    errorType: "ResourceConflictException",
    message: "An update is in progress",
  });
  await expect(catalog.moveAlias(component, "beta", "2", null)).rejects.toMatchObject({
    kind: "conflict",
    message: expect.stringContaining("still at an earlier change"),
  });
});

describe("publishing on Lambda", () => {
  it("says that code and settings are a version already, and publishes them once", async () => {
    const { stub, catalog } = await aFunction();
    expect(await catalog.currentCode(component)).toMatchObject({ publishedAs: { version: "2" } });
    stub.upload(component, "two", { Timeout: 60 });
    const changed = await catalog.currentCode(component);
    expect(changed.publishedAs).toBeUndefined();
    expect(await catalog.publish({ component, code: changed })).toMatchObject({
      isNew: true,
      version: { version: "3" },
    });
    expect(await catalog.publish({ component, code: changed })).toMatchObject({
      isNew: false,
      version: { version: "3" },
    });
  });

  it.each([
    ["code", "a colleague's", {}, /mailer isn't what it was.*CodeSHA256 \(.*is different.*Nothing was published/],
    ["settings", "two", { Timeout: 60 }, /mailer isn't what it was.*RevisionId.*Nothing was published/],
  ])("fails when somebody has changed the %s since it was looked at", async (_, code, settings, message) => {
    const { stub, catalog } = await aFunction();
    const seen = await catalog.currentCode(component);
    stub.upload(component, code, settings);
    await expect(catalog.publish({ component, code: seen })).rejects.toMatchObject({
      kind: "conflict",
      message,
    });
    expect(stub.versionsOf(component)).toEqual(["1", "2"]);
  });

  it("takes an image's hash as it is, which Lambda doesn't write in base64", async () => {
    const { stub, catalog } = await aFunction();
    const digest = "ab".repeat(32);
    stub.upload(component, "an image", { PackageType: "Image" }, digest);
    const current = await catalog.currentCode(component);
    expect(current.codeSha256).toBe(digest);
    expect(await catalog.publish({ component, code: current })).toMatchObject({
      isNew: true,
      version: { codeSha256: digest },
    });
  });

  it("waits until a new version is ready to run", async () => {
    const { stub, catalog } = await aFunction();
    stub.upload(component, "three");
    const current = await catalog.currentCode(component);
    stub.fail("GetFunctionConfiguration", { status: 200, body: { Version: "3", State: "Pending" } });
    expect(await catalog.publish({ component, code: current })).toMatchObject({ version: { version: "3" } });
    expect(stub.counts.GetFunctionConfiguration).toBe(3);
  });

  it("fails for a new version that doesn't become ready", async () => {
    const { stub, catalog } = await aFunction();
    stub.upload(component, "three");
    const current = await catalog.currentCode(component);
    stub.fail("GetFunctionConfiguration", { status: 200, body: { Version: "3", State: "Failed" } });
    await expect(catalog.publish({ component, code: current })).rejects.toMatchObject({
      kind: "failed",
      message: /Version 3 of mailer was published, and isn't ready.*No alias was moved/,
    });
  });

  it("fails while an upload is under way", async () => {
    const { stub, catalog } = await aFunction();
    stub.fail("GetFunctionConfiguration", {
      status: 200,
      body: { Version: "$LATEST", CodeSha256: "", RevisionId: "r", LastUpdateStatus: "InProgress" },
    });
    await expect(catalog.currentCode(component)).rejects.toMatchObject({ kind: "conflict" });
  });
});

describe("removing a version on Lambda", () => {
  it.each(["", "$LATEST", "stable", "0"])("never asks to delete '%s', which could be the function", async (version) => {
    const { stub, catalog } = await aFunction();
    await expect(catalog.removeVersion(component, version)).rejects.toMatchObject({ kind: "not found" });
    expect(stub.counts.DeleteFunction).toBeUndefined();
    expect(stub.has(component)).toBe(true);
  });

  it("leaves one that an alias gives a share to", async () => {
    const { stub, catalog } = await aFunction();
    stub.point(component, "stable", "1", { 2: 0.1 });
    expect(await catalog.removeVersion(component, "2")).toBe(false);
  });
});
