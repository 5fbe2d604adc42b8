import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { EnvironmentAccess, type EnvironmentAccessProps } from "./constructs/environment-access.ts";

/** What people, services and other apps need to use the environment. */
export class AccessStack extends Stack {
  readonly access: EnvironmentAccess;

  constructor(scope: Construct, id: string, { access, ...props }: StackProps & { access: EnvironmentAccessProps }) {
    super(scope, id, props);
    this.access = new EnvironmentAccess(this, "Access", access);
  }
}
