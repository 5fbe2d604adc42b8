import { Aws } from "aws-cdk-lib";

/** How the parts of one environment are called: `<environment>-<application>-<role>`. */
export type EnvironmentNames = {
  environment: string;
  application: string;
  of(role: string): string;
  /** Roles are the account's, not the region's. */
  iamNameOf(role: string): string;
  /** A bucket's name is taken for the whole world. */
  bucketOf(role: string): string;
  /** The SSM parameter that the CLI reads its settings from. */
  parameter: string;
  /** The CloudWatch namespace of what its functions measure. */
  metrics: string;
  /** The value of the tag `COMPONENT_TAG` on the functions of its components. */
  componentTag: string;
};

/** Says of a function that it is a component, and of which environment: who may move its aliases is decided by it. */
export const COMPONENT_TAG = "turnout-environment";

/** On the role of a service: which events it may publish, those of this source and of the sources below it. */
export const SOURCE_TAG = "turnout-source";

/** Without a hyphen: by `prod-*` the policies of `prod` name its functions, and none of another environment's. */
const ENVIRONMENT = /^[a-z][a-z0-9]*$/;
const APPLICATION = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** A bucket's name has 63 characters, and account and region take 28 of them. */
const MAX_NAME_LENGTH = 12;

/** @param application default `turnout`; another one where two of them run in one environment */
export function environmentNames(environment: string, application = "turnout"): EnvironmentNames {
  for (const [what, name] of Object.entries({ environment, application })) {
    const isName = (what === "environment" ? ENVIRONMENT : APPLICATION).test(name);
    if (isName && name.length <= MAX_NAME_LENGTH) continue;
    const hyphens = what === "environment" ? " and digits" : ", digits and single hyphens";
    throw new Error(
      `'${name}' can't be the ${what}'s name: expected 1 to ${MAX_NAME_LENGTH} lower-case letters${hyphens}, beginning ` +
        "with a letter.",
    );
  }
  const of = (role: string) => `${environment}-${application}-${role}`;
  return {
    environment,
    application,
    of,
    iamNameOf: (role) => `${of(role)}-${Aws.REGION}`,
    bucketOf: (role) => `${of(role)}-${Aws.ACCOUNT_ID}-${Aws.REGION}`,
    parameter: `/${application}/${environment}`,
    metrics: `${environment}-${application}`,
    componentTag: `${environment}-${application}`,
  };
}
