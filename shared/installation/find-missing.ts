import { type TargetAddress, taskDefinitionArn } from "../domain/routing/target-address.ts";
import type { Ask, AskFor } from "../targets/aws-calls.ts";

/** What is missing of what an alias stands for, and what to do about it. */
export type Missing = { found: string; remedy: string };

/**
 * Looks whether what an alias stands for is there.
 * @returns undefined when it is. Throws the service's refusal where that can't be told
 */
export type FindMissing = (address: TargetAddress) => Promise<Missing | undefined>;

/** The services by the region that an ARN names. */
export type TargetServices = Record<"sqs" | "step-functions" | "ecs", () => Promise<AskFor>>;

/** Kinds of targets that are looked at. */
export const LOOKED_AT: ReadonlySet<TargetAddress["kind"]> = new Set(["sqs", "step-functions", "ecs"]);

const TAKES_AT_MOST_MS = 10_000;

const CORRECT = "Make it, or name another one in the component's file or stack, and apply it";

/**
 * By what tells the least of it: names and states, and neither what is in a queue, nor a machine's definition, nor the
 * environment of a task's containers.
 *
 * Requests: of a queue and of a machine's alias 1, of a machine's version 1 per 1,000 versions, of a task 1 for its cluster and 1
 * per 100 active revisions of its family.
 */
export function findMissing(services: TargetServices): FindMissing {
  return async (address) => {
    switch (address.kind) {
      case "sqs":
        return missingQueue((await services.sqs())(address.queueArn), address.queueArn);
      case "step-functions":
        return missingMachine((await services["step-functions"]())(address.stateMachineArn), address.stateMachineArn);
      case "ecs": {
        const ask = (await services.ecs())(address.clusterArn);
        const arn = taskDefinitionArn(address);
        return (await missingCluster(ask, address.clusterArn)) ?? (await missingTaskDefinition(ask, arn));
      }
      default:
        return undefined;
    }
  };
}

async function missingQueue(ask: Ask, arn: string): Promise<Missing | undefined> {
  const [, , , , QueueOwnerAWSAccountId, QueueName] = arn.split(":");
  const answer = await unlessGone(ask, "GetQueueUrl", { QueueName, QueueOwnerAWSAccountId });
  return answer === undefined ? missing(`there is no queue ${arn}`) : undefined;
}

async function missingMachine(ask: Ask, arn: string): Promise<Missing | undefined> {
  const parts = arn.split(":");
  const qualifier = parts.at(-1) ?? "";
  const machine = parts.slice(0, -1).join(":");
  const isThere = /^\d+$/.test(qualifier)
    ? await isListed(ask, "ListStateMachineVersions", { stateMachineArn: machine, maxResults: 1_000 }, (answer) =>
        listIn(answer, "stateMachineVersions").some((one) => fieldOf(one, "stateMachineVersionArn") === arn),
      )
    : (await unlessGone(ask, "DescribeStateMachineAlias", { stateMachineAliasArn: arn })) !== undefined;
  return isThere ? undefined : missing(`there is no version or alias '${qualifier}' of the state machine ${machine}`);
}

async function missingCluster(ask: Ask, arn: string): Promise<Missing | undefined> {
  const answer = await unlessGone(ask, "DescribeClusters", { clusters: [arn] });
  const [cluster] = listIn(answer, "clusters");
  if (cluster === undefined) return missing(`there is no cluster ${arn}`);
  const status = fieldOf(cluster, "status");
  return status === "ACTIVE" ? undefined : missing(`the cluster ${arn} is ${status}`);
}

/** Only active ones can be run: one that was deregistered is as good as none. */
async function missingTaskDefinition(ask: Ask, arn: string): Promise<Missing | undefined> {
  const familyPrefix = arn.split("/").at(-1)?.split(":")[0];
  const asked = { familyPrefix, status: "ACTIVE", sort: "DESC", maxResults: 100 };
  const isThere = await isListed(ask, "ListTaskDefinitions", asked, (answer) =>
    listIn(answer, "taskDefinitionArns").includes(arn),
  );
  return isThere ? undefined : missing(`there is no active task definition ${arn}`);
}

function missing(found: string): Missing {
  return { found: `${found}: what goes to it fails`, remedy: CORRECT };
}

async function isListed(
  ask: Ask,
  operation: string,
  input: object,
  isOn: (answer: Record<string, unknown>) => boolean,
): Promise<boolean> {
  let nextToken: unknown;
  do {
    const answer = await unlessGone(ask, operation, { ...input, ...(nextToken !== undefined && { nextToken }) });
    if (answer === undefined) return false;
    if (isOn(answer)) return true;
    nextToken = answer.nextToken;
  } while (typeof nextToken === "string");
  return false;
}

/** How the services say that there is no such thing. */
const GONE = new Set([
  "QueueDoesNotExist",
  "QueueDeletedRecently",
  "ResourceNotFound",
  "StateMachineDoesNotExist",
  "StateMachineDeleting",
  "ClusterNotFoundException",
]);

/** The answer; undefined where there is no such thing. */
async function unlessGone(ask: Ask, operation: string, input: object): Promise<Record<string, unknown> | undefined> {
  try {
    return await ask(operation, input, AbortSignal.timeout(TAKES_AT_MOST_MS));
  } catch (error) {
    if (error instanceof Error && GONE.has(error.name)) return undefined;
    throw error;
  }
}

function listIn(answer: Record<string, unknown> | undefined, name: string): unknown[] {
  const list = answer?.[name];
  return Array.isArray(list) ? list : [];
}

function fieldOf(value: unknown, name: string): unknown {
  return { ...(value as Record<string, unknown> | null) }[name];
}
