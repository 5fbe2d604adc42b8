import { GetFunctionConfigurationCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { componentNamed } from "../flows/versions/component-named.ts";
import type { RoutingTableReader } from "../routing-table/routing-table.ts";
import type { DeliveryLines } from "../version-logs/line-origins.ts";
import type { EnvironmentName } from "./environment-settings.ts";

/** The functions that write a line of each delivery, by the end of their names. */
const TELL_DELIVERIES = ["router", "replayer", "outcomes"];

/** From an attempt's end until its delivery is told of, and clocks that differ. */
const TOLD_WITHIN_MS = 60_000;

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

/** Where each of a component's deliveries is told of, and how long after what it has printed. */
export async function deliveryLinesOf(
  table: Pick<RoutingTableReader, "components">,
  { environment, application }: EnvironmentName,
  component: string,
): Promise<DeliveryLines> {
  const { timeoutMs } = await componentNamed(table, component);
  const groups = TELL_DELIVERIES.map((part) => `/aws/lambda/${environment}-${application}-${part}`);
  return { groups, withinMs: timeoutMs + TOLD_WITHIN_MS };
}
