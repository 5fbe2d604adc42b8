import { AwsFailure, jsonRequest } from "./json-request.ts";
import type { Credentials } from "./sign-request.ts";

export type SecretReading = {
  credentials: () => Promise<Credentials>;
  /** Default: the service's own in the region of the secret. */
  endpoint?: string | undefined;
};

const SECRETS_MANAGER = { name: "secretsmanager", target: "secretsmanager", version: "1.1" } as const;

const TIMEOUT_MS = 3_000;

/** The current text of a secret of AWS Secrets Manager, by its ARN: one request. @throws Error in the service's words */
export async function secretValue(arn: string, reading: SecretReading): Promise<string> {
  const [, partition = "aws", , region = ""] = arn.split(":");
  const ask = jsonRequest(SECRETS_MANAGER, { ...reading, partition, region });
  try {
    const { SecretString } = await ask("GetSecretValue", { SecretId: arn }, AbortSignal.timeout(TIMEOUT_MS));
    if (typeof SecretString === "string") return SecretString;
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    throw new Error(`Secrets Manager answered ${error.name}: ${error.message}`);
  }
  throw new Error("it isn't text");
}
