import type { LambdaClient } from "@aws-sdk/client-lambda";
import { explainAwsError } from "../aws/explain-error.ts";
import { TurnoutError } from "../domain/errors.ts";
import type { Remedy } from "../domain/remedy.ts";

/** What is to be done about an error of Lambda's, by the error's name. */
type Answers<T> = { [error: string]: (error: Error) => T | Promise<T> };

/** The function behind a component, and how its control plane is asked. */
export type LambdaFunction = {
  component: string;
  arn: string;
  /** Asks, and says what an error means to a person unless `answers` knows it. */
  ask<T>(work: () => Promise<T>, answers?: Answers<T>): Promise<T>;
  missing(cause: Error): TurnoutError;
  busy(cause?: Error): TurnoutError;
  uploadedMeanwhile(cause: Error): TurnoutError;
  notReady(version: string, cause: unknown): TurnoutError;
};

/** @throws TurnoutError `usage` when the client is of another region than the function */
export async function lambdaFunction(client: LambdaClient, component: string, arn: string): Promise<LambdaFunction> {
  const region = await client.config.region();
  const home = arn.split(":")[3];
  if (home !== region) {
    throw new TurnoutError(
      "usage",
      `${component} is a function in ${home} (${arn}), and this is ${region}. ` +
        `Set AWS_REGION to ${home}, or correct the component's target.`,
    );
  }
  const name = arn.split(":")[6] ?? arn;
  const error = (kind: TurnoutError["kind"], message: string, cause?: unknown, ...remedies: Remedy[]) =>
    new TurnoutError(kind, message, { cause, remedies });

  return {
    component,
    arn,
    async ask(work, answers = {}) {
      try {
        return await work();
      } catch (cause) {
        if (!(cause instanceof Error)) throw cause;
        const answer = Object.hasOwn(answers, cause.name) ? answers[cause.name] : undefined;
        if (answer !== undefined) return await answer(cause);
        throw explainAwsError(cause, region) ?? cause;
      }
    },
    missing: (cause) =>
      error(
        "not found",
        `There is no Lambda function ${arn}, which ${component} is to be. Deploy it, or correct the component's target.`,
        cause,
      ),
    busy: (cause) =>
      error("conflict", `Lambda is still at an earlier change of ${name}. Nothing was changed.`, cause, {
        operation: "wait for function",
        name,
      }),
    notReady: (version, cause) =>
      error(
        "failed",
        `Version ${version} of ${name} was published, and isn't ready to run. No alias was moved to it.`,
        cause,
        { operation: "look at function", name, version },
      ),
    uploadedMeanwhile: (cause) =>
      error(
        "conflict",
        `${name} isn't what it was when it was looked at: somebody has uploaded other code or changed its settings ` +
          `(${cause.message}). Nothing was published; look again, and publish what is there now, or upload yours again.`,
        cause,
      ),
  };
}
