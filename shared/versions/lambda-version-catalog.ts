import {
  type AliasConfiguration,
  CreateAliasCommand,
  DeleteFunctionCommand,
  type FunctionConfiguration,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  GetFunctionEventInvokeConfigCommand,
  type LambdaClient,
  PublishVersionCommand,
  paginateListAliases,
  paginateListVersionsByFunction,
  UpdateAliasCommand,
  waitUntilPublishedVersionActive,
} from "@aws-sdk/client-lambda";
import { TurnoutError } from "../domain/errors.ts";
import { aliasedVersion, DEFAULT_TIMEOUT_S, hexOf, outcomesIn, settingsOf, versionOf } from "./lambda-answers.ts";
import { type LambdaFunction, lambdaFunction } from "./lambda-function.ts";
import type { AliasedVersion, PublishedVersion, Version, VersionCatalog } from "./version-catalog.ts";

/** What a function has uploaded and not published yet, and whether its newest version is the same. */
export type CurrentCode = {
  functionArn: string;
  codeSha256: string;
  /** The same as Lambda writes it. */
  lambdaHash: string;
  /** Changes with every upload and every change of settings. */
  revision: string;
  /** The newest version, if it has this code and these settings. */
  publishedAs?: Version;
};

export type LambdaPublishRequest = {
  component: string;
  /** As `currentCode` said it: what has been uploaded since is not published. */
  code: Pick<CurrentCode, "lambdaHash" | "revision">;
  description?: string;
};

/** How Lambda runs what an alias points at, as far as it has to agree with the component. */
export type AliasSettings = {
  timeoutMs: number;
  /** Of asynchronous invocations; undefined where nothing is configured. */
  outcomes?: { retries: number; maxEventAgeMs: number; areTold: boolean };
};

/** Versions and aliases of Lambda functions. Uploading code is not Turnout's: a version is what was uploaded last. */
export type LambdaVersionCatalog = VersionCatalog & {
  /** @throws TurnoutError `not found` without a function, `conflict` while an upload of it is under way */
  currentCode(component: string): Promise<CurrentCode>;
  /**
   * Makes a version of the function's code and settings, unless the newest version is the same.
   * @throws TurnoutError `conflict` when something else has been uploaded meanwhile
   */
  publish(request: LambdaPublishRequest): Promise<PublishedVersion>;
  /** @param isAsync asks for `outcomes` too @throws TurnoutError `not found` without the alias */
  aliasSettings(component: string, alias: string, isAsync: boolean): Promise<AliasSettings>;
};

export type LambdaCatalogOptions = {
  /** May retry by itself: whatever is asked twice of this is done once. */
  client: LambdaClient;
  /** The ARN, without a qualifier, of the function behind a component; undefined when it has none. */
  functionOf: (component: string) => Promise<string | undefined>;
};

/** Snapshots of a large function take minutes. */
const READY_WITHIN_S = 600;

/** A version's number as Lambda gives it. Without a number a deletion would be that of the whole function. */
const VERSION = /^[1-9]\d{0,14}$/;

/** The catalog on AWS: versions and aliases of the function that each component's aliases are targets of. */
export function lambdaVersionCatalog({ client, functionOf }: LambdaCatalogOptions): LambdaVersionCatalog {
  async function find(component: string): Promise<LambdaFunction | undefined> {
    const arn = await functionOf(component);
    return arn === undefined ? undefined : lambdaFunction(client, component, arn);
  }

  async function get(component: string): Promise<LambdaFunction> {
    const found = await find(component);
    if (found !== undefined) return found;
    throw new TurnoutError(
      "not found",
      `${component} has no Lambda function: none of its aliases has a target of kind lambda. ` +
        "Name its function's ARN in its aliases' targets.",
      { remedies: [{ operation: "apply component", component }] },
    );
  }

  async function aliasNamed({ arn, ask }: LambdaFunction, alias: string): Promise<AliasConfiguration | undefined> {
    return ask(() => client.send(new GetAliasCommand({ FunctionName: arn, Name: alias })), {
      ResourceNotFoundException: () => undefined,
    });
  }

  /** False where somebody else has just made it. */
  async function createAlias(of: LambdaFunction, alias: string, version: string): Promise<boolean> {
    const command = new CreateAliasCommand({ FunctionName: of.arn, Name: alias, FunctionVersion: version });
    return of.ask(() => client.send(command).then(() => true), {
      ResourceConflictException: async (error) => {
        if ((await aliasNamed(of, alias)) === undefined) throw of.busy(error);
        return false;
      },
      ResourceNotFoundException: (error) => noVersion(of, version, error),
    });
  }

  async function updateAlias(of: LambdaFunction, alias: string, version: string, revision: string | undefined) {
    const about = { FunctionName: of.arn, Name: alias, FunctionVersion: version, RevisionId: revision };
    return of.ask(() => client.send(new UpdateAliasCommand(about)).then(() => true), {
      PreconditionFailedException: () => false,
      ResourceConflictException: (error) => {
        throw of.busy(error);
      },
      // Either the version isn't there, or the alias no longer is.
      ResourceNotFoundException: async (error) =>
        (await hasVersion(of, version)) ? false : noVersion(of, version, error),
    });
  }

  async function versionsOf({ arn, ask, missing }: LambdaFunction): Promise<FunctionConfiguration[]> {
    const found: FunctionConfiguration[] = [];
    await ask(
      async () => {
        for await (const { Versions = [] } of paginateListVersionsByFunction({ client }, { FunctionName: arn })) {
          found.push(...Versions.filter(({ Version: version }) => version !== "$LATEST"));
        }
      },
      { ResourceNotFoundException: (error) => Promise.reject(missing(error)) },
    );
    return found.sort((a, b) => Number(a.Version) - Number(b.Version));
  }

  async function hasVersion(of: LambdaFunction, version: string): Promise<boolean> {
    return (await versionsOf(of)).some((one) => one.Version === version);
  }

  /** Says which versions there are; and when there is no function at all, that. */
  async function noVersion(of: LambdaFunction, version: string, cause?: Error): Promise<never> {
    const newest = (await versionsOf(of)).at(-1)?.Version;
    const there = newest === undefined ? "It has none yet" : `Its newest is ${newest}`;
    throw new TurnoutError(
      "not found",
      `No version '${version}' of ${of.component}, which is ${of.arn}. ${there}; publish one, or name another.`,
      { cause },
    );
  }

  function configurationOf({ arn, ask, missing }: LambdaFunction, qualifier?: string): Promise<FunctionConfiguration> {
    const about = { FunctionName: arn, ...(qualifier === undefined ? {} : { Qualifier: qualifier }) };
    return ask(() => client.send(new GetFunctionConfigurationCommand(about)), {
      ResourceNotFoundException: (error) => Promise.reject(missing(error)),
    });
  }

  /** A version of a moment ago may not run yet: its network is being made, or its snapshot. */
  async function whenReady(of: LambdaFunction, version: string): Promise<void> {
    const waiting = { client, maxWaitTime: READY_WITHIN_S, minDelay: 1, maxDelay: 5 };
    try {
      await waitUntilPublishedVersionActive(waiting, { FunctionName: of.arn, Qualifier: version });
    } catch (error) {
      throw of.notReady(version, error);
    }
  }

  return {
    async versions(component) {
      const of = await find(component);
      return of === undefined ? [] : (await versionsOf(of)).map(versionOf);
    },
    async aliases(component) {
      const of = await find(component);
      if (of === undefined) return [];
      const found: AliasedVersion[] = [];
      await of.ask(
        async () => {
          for await (const { Aliases = [] } of paginateListAliases({ client }, { FunctionName: of.arn })) {
            found.push(...Aliases.map(aliasedVersion));
          }
        },
        { ResourceNotFoundException: (error) => Promise.reject(of.missing(error)) },
      );
      return found;
    },
    async moveAlias(component, alias, version, expected) {
      const of = await get(component);
      if (!VERSION.test(version)) return noVersion(of, version);
      const current = await aliasNamed(of, alias);
      if (expected !== undefined && (current?.FunctionVersion ?? null) !== expected) return false;
      if (current === undefined) return createAlias(of, alias, version);
      // Somebody shares this alias out between versions by hand, or is deploying gradually.
      if (aliasedVersion(current).alsoTo !== undefined) return false;
      return updateAlias(of, alias, version, current.RevisionId);
    },
    async removeVersion(component, version) {
      const of = await get(component);
      if (!VERSION.test(version)) return noVersion(of, version);
      const command = new DeleteFunctionCommand({ FunctionName: of.arn, Qualifier: version });
      return of.ask(() => client.send(command).then(() => true), {
        ResourceConflictException: () => false,
        ResourceNotFoundException: () => true,
      });
    },
    async aliasSettings(component, alias, isAsync) {
      const of = await get(component);
      const { Timeout = DEFAULT_TIMEOUT_S } = await configurationOf(of, alias);
      const about = { FunctionName: of.arn, Qualifier: alias };
      const config = isAsync
        ? await of.ask(() => client.send(new GetFunctionEventInvokeConfigCommand(about)), {
            ResourceNotFoundException: () => undefined,
          })
        : undefined;
      return { timeoutMs: Timeout * 1_000, ...(config === undefined ? {} : { outcomes: outcomesIn(config) }) };
    },
    async currentCode(component) {
      const of = await get(component);
      const [latest, versions] = await Promise.all([configurationOf(of), versionsOf(of)]);
      if (latest.LastUpdateStatus === "InProgress" || latest.State === "Pending") throw of.busy();
      const newest = versions.at(-1);
      const isSame =
        newest?.Version !== undefined &&
        newest.CodeSha256 === latest.CodeSha256 &&
        settingsOf(latest) === settingsOf(await configurationOf(of, newest.Version));
      return {
        functionArn: of.arn,
        codeSha256: hexOf(latest.CodeSha256),
        lambdaHash: latest.CodeSha256 ?? "",
        revision: latest.RevisionId ?? "",
        ...(isSame ? { publishedAs: versionOf(newest) } : {}),
      };
    },
    async publish({ component, code, description }) {
      const of = await get(component);
      const known = new Set((await versionsOf(of)).map(({ Version: version }) => version));
      const command = new PublishVersionCommand({
        FunctionName: of.arn,
        CodeSha256: code.lambdaHash,
        RevisionId: code.revision,
        ...(description === undefined ? {} : { Description: description }),
      });
      const uploaded = (error: Error) => Promise.reject(of.uploadedMeanwhile(error));
      const published = await of.ask(() => client.send(command), {
        // Its message names both hashes.
        InvalidParameterValueException: uploaded,
        PreconditionFailedException: uploaded,
        ResourceConflictException: (error) => Promise.reject(of.busy(error)),
        ResourceNotFoundException: (error) => Promise.reject(of.missing(error)),
      });
      await whenReady(of, published.Version ?? "");
      // Lambda makes none of what its newest version is already.
      return { version: versionOf(published), isNew: !known.has(published.Version) };
    },
  };
}
