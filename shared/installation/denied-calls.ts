import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { AccessDenied } from "../aws/explain-error.ts";

/** Functions of an environment that people call: one changes the routing, the other drives replays. */
export type CalledFunction = "committer" | "replayer";

/** Those that AWS doesn't let whoever asks call. */
export type DeniedCalls = { readonly [called in CalledFunction]?: AccessDenied };

/**
 * Which of an environment's functions AWS would not let whoever asks call. A dry run tells, which needs no other right than
 * the call itself, and calls nothing. What can't be found out isn't denied.
 * @param explain tells an error that AWS has denied something, with the policies that have it
 */
export async function deniedCalls(
  client: Pick<LambdaClient, "send">,
  functions: { readonly [called in CalledFunction]?: string | undefined },
  explain: (error: unknown) => Error | undefined,
): Promise<DeniedCalls> {
  const asked = Object.entries(functions).map(async ([called, FunctionName]): Promise<[string, AccessDenied][]> => {
    if (FunctionName === undefined) return [];
    try {
      await client.send(new InvokeCommand({ FunctionName, InvocationType: "DryRun" }));
      return [];
    } catch (error) {
      const told = explain(error);
      return told instanceof AccessDenied ? [[called, told]] : [];
    }
  });
  return Object.fromEntries((await Promise.all(asked)).flat());
}
