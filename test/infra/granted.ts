import type { Resource } from "./synthesized.ts";

/** One action that a role or policy may, or must not, do on one resource. */
export type Grant = { who: string; action: string; on: string; denied: boolean; when: unknown };

type Statement = { Effect: string; Action: string | string[]; Resource: unknown; Condition?: unknown };

/** Every action that is granted to a role or by a managed policy, statement by statement. */
export function grantsOf(resources: readonly Resource[]): Grant[] {
  return resources.flatMap(({ id, type, properties }) => {
    const who = whoHas(id, properties);
    switch (type) {
      case "AWS::IAM::Policy":
      case "AWS::IAM::ManagedPolicy":
        return statementsIn(properties.PolicyDocument).flatMap((statement) => grants(who, statement));
      case "AWS::IAM::Role": {
        const inline = (properties.Policies ?? []) as { PolicyDocument: unknown }[];
        const attached = (properties.ManagedPolicyArns ?? []) as unknown[];
        return [
          ...inline.flatMap((policy) => statementsIn(policy.PolicyDocument)).flatMap((one) => grants(who, one)),
          ...attached.map((arn) => ({ who, action: "*", on: readable(arn), denied: false, when: undefined })),
        ];
      }
      default:
        return [];
    }
  });
}

function grants(who: string, { Effect, Action, Resource, Condition }: Statement): Grant[] {
  return [Action]
    .flat()
    .flatMap((action) =>
      [Resource].flat().map((on) => ({ who, action, on: readable(on), denied: Effect === "Deny", when: Condition })),
    );
}

function statementsIn(document: unknown): Statement[] {
  return (document as { Statement: Statement[] }).Statement;
}

/** The role that a policy belongs to, or the managed policy's own name. */
function whoHas(id: string, { Roles, ManagedPolicyName, RoleName }: Record<string, unknown>): string {
  const [role] = [Roles].flat();
  const text = readable(ManagedPolicyName ?? RoleName ?? role ?? id);
  const [, part] = /^(?:Routing|Replay|Sweeping|Watching|Access)(\w+)Role$/.exec(text) ?? [];
  return part ?? text.replace(/^(dev|prod)-turnout-/, "").replace(/-REGION$/, "");
}

/** A name or an ARN as a person would write it: what is told apart by hashes only is told by its construct. */
export function readable(value: unknown): string {
  if (typeof value === "string") return value;
  const {
    Ref,
    "Fn::GetAtt": attribute,
    "Fn::Join": join,
    "Fn::ImportValue": imported,
  } = value as Record<string, unknown>;
  if (Ref === "AWS::AccountId") return "ACCOUNT";
  if (typeof Ref === "string") return construct(Ref.replace(/^AWS::(\w+)$/, (_, name) => String(name).toUpperCase()));
  if (Array.isArray(attribute)) return construct(String(attribute[0]));
  if (Array.isArray(join)) return (join[1] as unknown[]).map(readable).join("");
  const [, , name = ""] = /:ExportsOutput(Ref|FnGetAtt)(\w+)$/.exec(String(imported)) ?? [];
  return construct(name.replace(/(Arn|QueueName)?[0-9A-F]{8}$/, ""));
}

function construct(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, "");
}
