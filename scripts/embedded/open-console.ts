import { randomBytes, randomUUID } from "node:crypto";
import type { Hono } from "hono";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { keepToken, newConsoleToken, readTokens } from "../../shared/installation/console-token.ts";
import { installationOn, osUser } from "../../shared/installation/embedded-installation.ts";

const WEEK_MS = 7 * 86_400_000;

/** The console of a server, loaded by the first who asks for it: no start waits for it. */
export function consoleOnFirstUse(
  state: EmbeddedState,
  { now, onError }: { now: () => Date; onError: (error: unknown) => void },
): () => Promise<Hono> {
  let opened: Promise<Hono> | undefined;
  const open = async () => {
    const [{ consoleApp }, { tokenAccess }] = await Promise.all([
      import("../../functions/console/console-app.ts"),
      import("../../functions/console/access/token-access.ts"),
    ]);
    return consoleApp({
      installation: installationOn(state, () => true),
      access: tokenAccess(() => readTokens(state.home), HOW),
      where: "on this machine",
      hosts: ["127.0.0.1", "localhost", "[::1]"],
      now,
      newId: randomUUID,
      onError,
    });
  };
  return () => {
    opened ??= open();
    return opened;
  };
}

const HOW = "The address that 'npm start' prints signs you in.";

/** Makes a token for whoever starts the server. Returns the address that signs them in. */
export function startToken(home: string, url: string, now: Date): string {
  const about = { role: "on-call", name: osUser(), expiresAt: new Date(now.getTime() + WEEK_MS) } as const;
  const { token, kept } = newConsoleToken(randomBytes(32), about);
  keepToken(home, kept, now);
  return `${url}/console/sign-in?token=${token}`;
}
