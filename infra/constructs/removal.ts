import { RemovalPolicy } from "aws-cdk-lib";

/** What becomes of something that holds state when it is taken out of its stack, or replaced. */
export function removalPolicyOf(isProtected: boolean): RemovalPolicy {
  return isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
}
