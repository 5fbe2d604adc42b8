import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { environmentNames } from "./constructs/environment-names.ts";
import { environmentSettings } from "./environments.ts";

export type DeployedEnvironment = {
  isProtected: boolean;
  /** It was deployed whole once: the parameter with its settings is made last of all. */
  isThere: boolean;
};

/**
 * Whether an environment is in the account already.
 * @param others what else cdk is asked with: a profile and an application's name are looked for in it
 * @throws the SDK's own errors: whoever may not ask may not deploy
 */
export async function deployedEnvironment(
  environment: string,
  others: readonly string[],
): Promise<DeployedEnvironment> {
  const { isProtected, env } = environmentSettings(environment);
  if (!isProtected) return { isProtected, isThere: false };
  const profile = after(others, "--profile");
  const application = contextIn(others, "application");
  const client = new SSMClient({
    ...(profile === undefined ? {} : { profile }),
    ...(env?.region === undefined ? {} : { region: env.region }),
  });
  try {
    const Name = environmentNames(environment, application).parameter;
    await client.send(new GetParameterCommand({ Name }));
    return { isProtected, isThere: true };
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ParameterNotFound") throw error;
    return { isProtected, isThere: false };
  } finally {
    client.destroy();
  }
}

/** Of `-c NAME=VALUE`, written in any of the ways that cdk takes. */
function contextIn(args: readonly string[], name: string): string | undefined {
  for (const [index, arg] of args.entries()) {
    const said = /^(?:-c|--context)$/.test(arg) ? args[index + 1] : /^(?:-c|--context=)(.+=.+)$/.exec(arg)?.[1];
    if (said?.startsWith(`${name}=`)) return said.slice(name.length + 1);
  }
  return undefined;
}

function after(args: readonly string[], option: string): string | undefined {
  const index = args.indexOf(option);
  if (index >= 0) return args[index + 1];
  return args.find((arg) => arg.startsWith(`${option}=`))?.slice(option.length + 1);
}
