import { GetParameterCommand, GetParametersByPathCommand, type SSMClient } from "@aws-sdk/client-ssm";
import { TurnoutError } from "../domain/errors.ts";
import { readJson } from "../domain/text/schema.ts";
import { type AwsSettings, awsSettings } from "../settings.ts";

/** Which of the environments that are deployed in an account and region. */
export type EnvironmentName = {
  /** E.g. `prod`. */
  environment: string;
  /** The first part of its names; `turnout` unless several Turnouts run beside each other. */
  application: string;
};

/** As the deployment takes them: 1 to 12 lower-case letters, digits and single hyphens, beginning with a letter. */
const NAME = /^(?=.{1,12}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/**
 * Reads an environment's settings, which its deployment leaves in the SSM parameter `/<application>/<environment>`: JSON
 * of the environment variables that its functions have.
 * @param account whose the credentials are, for the message that there is none; undefined when that isn't known
 * @throws TurnoutError `usage` for a name that can't be one, `not found` without the parameter, `failed` when it can't
 *   be used; the SDK's own errors
 */
export async function readEnvironmentSettings(
  client: SSMClient,
  { environment, application }: EnvironmentName,
  account: () => Promise<string | undefined>,
): Promise<AwsSettings> {
  checkName("environment", environment, "--env, TURNOUT_ENV");
  checkName("application", application, "TURNOUT_APPLICATION");
  const name = `/${application}/${environment}`;
  const region = await client.config.region();
  let text: string;
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name }));
    text = Parameter?.Value ?? "";
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ParameterNotFound") throw error;
    const [known, whose] = await Promise.all([environmentsOf(client, application), account()]);
    throw unknownEnvironment(name, region, known, whose);
  }
  return settingsIn(name, text, region);
}

function settingsIn(name: string, text: string, region: string): AwsSettings {
  const json = readJson(text);
  const unusable = (problem: string) =>
    new TurnoutError("failed", `The SSM parameter ${name} can't be used: ${problem}. Deploy Turnout again.`);
  if (!json.ok) throw unusable(json.problem);
  if (typeof json.value !== "object" || json.value === null) throw unusable("it isn't a JSON object");
  try {
    return awsSettings({ AWS_REGION: region, ...json.value });
  } catch (error) {
    if (error instanceof TurnoutError) throw unusable(error.message.replace(/^Bad environment: |\.$/g, ""));
    throw error;
  }
}

function checkName(what: string, name: string, where: string): void {
  if (NAME.test(name)) return;
  throw new TurnoutError(
    "usage",
    `'${name}' can't be the ${what}'s name (${where}): expected 1 to 12 lower-case letters, digits and single hyphens, ` +
      "beginning with a letter.",
  );
}

/** What may be meant instead; undefined when these credentials may not ask. */
async function environmentsOf(client: SSMClient, application: string): Promise<string[] | undefined> {
  try {
    const { Parameters = [] } = await client.send(new GetParametersByPathCommand({ Path: `/${application}` }));
    return Parameters.map(({ Name = "" }) => Name.slice(application.length + 2)).sort();
  } catch {
    return undefined;
  }
}

function unknownEnvironment(
  name: string,
  region: string,
  known: readonly string[] | undefined,
  account: string | undefined,
): TurnoutError {
  const where = account === undefined ? region : `account ${account}, ${region}`;
  const others = known === undefined ? "" : known.length === 0 ? " There is none." : ` There are: ${known.join(", ")}.`;
  return new TurnoutError(
    "not found",
    `No such environment in ${where}: there is no SSM parameter ${name}.${others} Name another one, set AWS_PROFILE or ` +
      "AWS_REGION to where it is, or deploy it.",
  );
}
