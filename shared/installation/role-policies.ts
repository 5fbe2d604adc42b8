import { AccessDenied } from "../aws/explain-error.ts";
import type { EnvironmentName } from "./environment-settings.ts";

/** Roles of people, whose policies an environment has: those that allow less come first. */
type PolicyRole = "viewer" | "operator" | "on-call";

const LOOKING = ["viewer", "operator", "on-call"] as const;
const CHANGING = ["operator", "on-call"] as const;

/** What the policies allow, action by action; `test/infra/role-policies.test.ts` compares it with what is deployed. */
const rolesWith: Readonly<Record<string, readonly PolicyRole[]>> = {
  "ssm:GetParameter": LOOKING,
  "dynamodb:GetItem": LOOKING,
  "dynamodb:Query": LOOKING,
  "dynamodb:BatchGetItem": LOOKING,
  "dynamodb:DescribeTable": LOOKING,
  "dynamodb:DescribeTimeToLive": LOOKING,
  "dynamodb:DescribeContinuousBackups": LOOKING,
  "s3:GetObject": LOOKING,
  "s3:ListBucket": LOOKING,
  "sqs:GetQueueAttributes": LOOKING,
  "sqs:GetQueueUrl": LOOKING,
  "states:DescribeStateMachineAlias": LOOKING,
  "states:ListStateMachineVersions": LOOKING,
  "ecs:DescribeClusters": LOOKING,
  "ecs:ListTaskDefinitions": LOOKING,
  "events:DescribeEventBus": LOOKING,
  "logs:FilterLogEvents": LOOKING,
  "lambda:GetAccountSettings": LOOKING,
  "lambda:GetAlias": LOOKING,
  "lambda:GetFunctionConfiguration": LOOKING,
  "lambda:GetFunctionEventInvokeConfig": LOOKING,
  "lambda:ListAliases": LOOKING,
  "lambda:ListVersionsByFunction": LOOKING,
  "lambda:CreateAlias": CHANGING,
  "lambda:UpdateAlias": CHANGING,
  "lambda:PublishVersion": ["operator"],
  "lambda:DeleteFunction": ["operator"],
  "sqs:SendMessage": ["operator"],
  // Leases of laptops.
  "dynamodb:PutItem": ["operator"],
  "dynamodb:BatchWriteItem": ["operator"],
  // Replays.
  "dynamodb:UpdateItem": ["on-call"],
};

/** One action, for several purposes: who may call which of the environment's functions. */
const rolesCalling: Readonly<Record<string, readonly PolicyRole[]>> = {
  committer: CHANGING,
  replayer: ["on-call"],
};

/** An error that AWS has denied something with the policies of the environment that would allow it, as far as any does. */
export function withPolicies(denied: AccessDenied, name: EnvironmentName, region: string): AccessDenied {
  const roles = rolesAllowing(denied, name);
  if (roles.length === 0) return denied;
  const policies = roles.map((role) => `${name.environment}-${name.application}-${role}-${region}`);
  return new AccessDenied(denied, policies, denied.cause);
}

/** Policies that allow what was denied. */
export function rolesAllowing(
  { action, resource }: Pick<AccessDenied, "action" | "resource">,
  { environment, application }: EnvironmentName,
): readonly PolicyRole[] {
  if (action !== "lambda:InvokeFunction") return Object.hasOwn(rolesWith, action) ? (rolesWith[action] ?? []) : [];
  const [, part = ""] = resource?.split(`:function:${environment}-${application}-`) ?? [];
  return Object.hasOwn(rolesCalling, part) ? (rolesCalling[part] ?? []) : [];
}
