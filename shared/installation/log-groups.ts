import { GetFunctionConfigurationCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { componentNamed } from "../flows/versions/component-named.ts";
import type { RoutingTableReader } from "../routing-table/routing-table.ts";

/** The log groups of the functions behind a component's aliases: those that they are set to, else what Lambda makes. */
export async function logGroupsOf(
  table: Pick<RoutingTableReader, "components">,
  lambda: Pick<LambdaClient, "send">,
  component: string,
): Promise<string[]> {
  const { aliases } = await componentNamed(table, component);
  const arns = Object.values(aliases).flatMap(({ target }) => (target.kind === "lambda" ? [target.functionArn] : []));
  const groups = [...new Set(arns)].map(async (FunctionName) => {
    const asked = lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    // Who may not look at the function may look at its log all the same.
    const set = await asked.then(({ LoggingConfig }) => LoggingConfig?.LogGroup).catch(() => undefined);
    return set ?? `/aws/lambda/${FunctionName.split(":")[6]}`;
  });
  return Promise.all(groups);
}
