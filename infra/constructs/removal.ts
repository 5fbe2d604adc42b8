import { RemovalPolicy } from "aws-cdk-lib";

/**
 * What becomes of something that holds state when it is taken out of its stack, or replaced. What a creation has made
 * that then fails holds nothing yet, and goes with it: its name would be taken when the creation is tried again.
 */
export function removalPolicyOf(isProtected: boolean): RemovalPolicy {
  return isProtected ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}
