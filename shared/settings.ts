import { resolve } from "node:path";
import * as z from "zod/mini";
import { TurnoutError } from "./domain/errors.ts";
import { read } from "./domain/schema.ts";

/** Where embedded mode keeps its state and listens. */
export const EmbeddedSettings = z.object({
  /** `TURNOUT_HOME`: the state folder. Default `.turnout` in the current folder. */
  TURNOUT_HOME: z._default(z.string().check(z.minLength(1)), ".turnout"),
  /** `TURNOUT_PORT`: the front door's port on 127.0.0.1; 0 takes any free one. Default 4600. */
  TURNOUT_PORT: z._default(
    z.coerce
      .number<unknown>()
      .check(
        z.refine((port) => Number.isInteger(port) && port >= 0 && port <= 65_535, "expected a port from 0 to 65535"),
      ),
    4600,
  ),
});

export type EmbeddedSettings = { home: string; port: number };

/** @throws TurnoutError `usage` that names the variable */
export function embeddedSettings(environment: Record<string, string | undefined>): EmbeddedSettings {
  const settings = read(EmbeddedSettings, environment);
  if (!settings.ok) throw new TurnoutError("usage", `Bad environment: ${settings.problem}.`);
  return { home: resolve(settings.value.TURNOUT_HOME), port: settings.value.TURNOUT_PORT };
}

/**
 * What Turnout needs to know on AWS. Credentials and endpoints are the SDK's own affair: its provider chain, and for
 * tests `AWS_ENDPOINT_URL_DYNAMODB` and `AWS_ENDPOINT_URL_LAMBDA`.
 */
export const AwsSettings = z.object({
  /** `TURNOUT_ROUTING_TABLE`: the name of the routing table's DynamoDB table. */
  TURNOUT_ROUTING_TABLE: z
    .string()
    .check(z.regex(/^[\w.-]{3,255}$/, "expected a DynamoDB table's name: 3 to 255 letters, digits, '_', '-' and '.'")),
  /** `AWS_REGION`: where the table and the functions are. Lambda sets it. */
  AWS_REGION: z.string().check(z.minLength(1)),
});

export type AwsSettings = { routingTable: string; region: string };

/** @throws TurnoutError `usage` that names the variable */
export function awsSettings(environment: Record<string, string | undefined>): AwsSettings {
  const settings = read(AwsSettings, environment);
  if (!settings.ok) throw new TurnoutError("usage", `Bad environment: ${settings.problem}.`);
  return { routingTable: settings.value.TURNOUT_ROUTING_TABLE, region: settings.value.AWS_REGION };
}
