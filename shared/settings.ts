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
