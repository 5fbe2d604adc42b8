import type { CloudFormationCustomResourceEvent, CloudFormationCustomResourceResponse } from "aws-lambda";
import { TurnoutError } from "../shared/domain/errors.ts";

/** CloudFormation takes an answer of 4 KB. */
const MAX_REASON_LENGTH = 2_000;

export type CustomResourceOptions = {
  /** The resource's id, by which CloudFormation sees that it has become another one. */
  idOf: (properties: Record<string, unknown>) => string;
  /** Makes the resource what its properties say, or unmakes it. What it throws is why the deployment fails. */
  work: (event: CloudFormationCustomResourceEvent) => Promise<void>;
  onError: (error: unknown) => void;
};

/**
 * The Lambda handler of a custom resource. CloudFormation learns how it went from an object that is put to a signed URL,
 * and from nothing else: without one the deployment hangs until its timeout, so every error is an answer too.
 */
export function customResourceHandler({ idOf, work, onError }: CustomResourceOptions) {
  return async (event: CloudFormationCustomResourceEvent): Promise<void> => {
    const { StackId, RequestId, LogicalResourceId, ResponseURL } = event;
    const known = "PhysicalResourceId" in event ? event.PhysicalResourceId : RequestId;
    const about = { StackId, RequestId, LogicalResourceId };
    let answer: CloudFormationCustomResourceResponse;
    try {
      await work(event);
      const PhysicalResourceId = event.RequestType === "Delete" ? known : idOf(event.ResourceProperties);
      answer = { Status: "SUCCESS", PhysicalResourceId, ...about };
    } catch (error) {
      onError(error);
      const Reason = reasonOf(error).slice(0, MAX_REASON_LENGTH);
      answer = { Status: "FAILED", Reason, PhysicalResourceId: known, ...about };
    }
    // Bytes, because text would be sent with a content type, and the URL was signed without one.
    const body = new TextEncoder().encode(JSON.stringify(answer));
    const { ok, status } = await fetch(ResponseURL, { method: "PUT", body });
    // Lambda calls again: whatever was done is found done.
    if (!ok) throw new Error(`CloudFormation's answer wasn't taken: ${status}`);
  };
}

/** An operation of Turnout's is nothing that whoever deploys has at hand; what is said in words is. */
function reasonOf(error: unknown): string {
  if (!(error instanceof TurnoutError)) return error instanceof Error ? error.message : String(error);
  const said = error.remedies.filter((remedy) => typeof remedy === "string");
  return [error.message, ...said.map((words) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`)].join(" ");
}
