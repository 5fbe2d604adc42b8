import { expect, it } from "vitest";
import { explainAwsError } from "../../shared/aws/explain-error.ts";
import { deniedCalls } from "../../shared/installation/denied-calls.ts";
import { lambdaClient, lambdaStub } from "../support/lambda-stub.ts";

const explain = (error: unknown) => explainAwsError(error, "eu-west-1");

it("deniedCalls asks AWS by dry runs, which call nothing, and tells what is denied alone", async () => {
  const user = "arn:aws:sts::123456789012:assumed-role/Operator/ada";
  const { endpoint, invocations } = await lambdaStub(({ functionArn }) => {
    if (functionArn !== "prod-turnout-replayer") return { text: "" };
    const message = `User: ${user} is not authorized to perform: lambda:InvokeFunction on resource: ${functionArn}`;
    return { status: 403, errorType: "AccessDeniedException", message };
  });
  const functions = { committer: "prod-turnout-committer", replayer: "prod-turnout-replayer" };
  const denied = await deniedCalls(lambdaClient(endpoint), functions, explain);
  expect(Object.keys(denied)).toEqual(["replayer"]);
  expect(denied.replayer?.action).toBe("lambda:InvokeFunction");
  expect(invocations.map(({ type }) => type)).toEqual(["DryRun", "DryRun"]);
});

it("deniedCalls takes what can't be found out as allowed, and asks nothing where there is no such function", async () => {
  const { endpoint, invocations } = await lambdaStub(() => ({ status: 500, errorType: "ServiceException" }));
  const functions = { committer: "prod-turnout-committer", replayer: undefined };
  expect(await deniedCalls(lambdaClient(endpoint), functions, explain)).toEqual({});
  expect(invocations).toHaveLength(1);
});
