import type { Context } from "aws-lambda";

/** Lambda's longest timeout. */
const MAX_TIMEOUT_MS = 900_000;

/** What a handler can ask of its surroundings, for a function of this name and timeout that begins now. */
export function lambdaContext(functionName: string, timeoutMs = MAX_TIMEOUT_MS): Context {
  const deadline = Date.now() + timeoutMs;
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${functionName}`,
    memoryLimitInMB: "0",
    awsRequestId: "",
    logGroupName: "",
    logStreamName: "",
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}
