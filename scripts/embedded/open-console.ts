import { randomBytes, randomUUID } from "node:crypto";
import type { Hono } from "hono";
import { TurnoutError } from "../../shared/domain/errors.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { type KeptToken, keepToken, newConsoleToken, readTokens } from "../../shared/installation/console-token.ts";
import { installationOn, osUser } from "../../shared/installation/embedded-installation.ts";
import type { Installation } from "../../shared/installation/installation.ts";
import { commandLine } from "../../shared/installation/wording/shell-quote.ts";

const WEEK_MS = 7 * 86_400_000;

/** The names of this machine, which a page of somebody else's can't go by. */
const HOSTS = ["127.0.0.1", "localhost", "[::1]"];

type Machine = { now: () => Date; onError: (error: unknown) => void };

/** The console of a server, loaded by the first who asks for it: no start waits for it. */
export function consoleOnFirstUse(state: EmbeddedState, machine: Machine): () => Promise<Hono> {
  let opened: Promise<Hono> | undefined;
  const how = `The address that 'npm start' prints signs you in; '${commandLine("console", "token")}' makes another.`;
  const about = { where: "on this machine", tokens: () => readTokens(state.home), how, ...machine };
  return () => {
    opened ??= openConsole(
      installationOn(state, () => true),
      about,
    );
    return opened;
  };
}

type About = Machine & { where: string; tokens: () => readonly KeptToken[]; how: string };

async function openConsole(installation: Installation, { where, tokens, how, now, onError }: About): Promise<Hono> {
  const [{ consoleApp }, { tokenAccess }] = await Promise.all([
    import("../../functions/console/console-app.ts"),
    import("../../functions/console/access/token-access.ts"),
  ]);
  const access = tokenAccess(tokens, how);
  return consoleApp({ installation, access, where, hosts: HOSTS, now, newId: randomUUID, onError });
}

/** Makes a token for whoever starts the server. Returns the address that signs them in. */
export function startToken(home: string, url: string, now: Date): string {
  const about = { role: "on-call", name: osUser(), expiresAt: new Date(now.getTime() + WEEK_MS) } as const;
  const { token, kept } = newConsoleToken(randomBytes(32), about);
  keepToken(home, kept, now);
  return signInAddress(url, token);
}

export function signInAddress(url: string, token: string): string {
  return `${url}/console/sign-in?token=${token}`;
}

/**
 * Serves the console of an installation on this machine's own address, for whoever has the address that it returns. What
 * is done there is done with the rights of this process.
 */
export async function serveConsole(
  installation: Installation,
  { port, role, where, now, onError }: Machine & { port: number; role: KeptToken["role"]; where: string },
): Promise<{ address: string; stop: () => Promise<void> }> {
  const { serve } = await import("@hono/node-server");
  const expiresAt = new Date(now().getTime() + WEEK_MS);
  const { token, kept } = newConsoleToken(randomBytes(32), { role, name: await installation.who(), expiresAt });
  const how = `The address that '${commandLine("console")}' prints signs you in.`;
  const app = await openConsole(installation, { where, tokens: () => [kept], how, now, onError });
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, ({ port: bound }) => {
      const stop = () => new Promise<void>((stopped) => server.close(() => stopped()));
      resolve({ address: signInAddress(`http://127.0.0.1:${bound}`, token), stop });
    });
    server.once("error", (error) => {
      const why = `Port ${port} on 127.0.0.1 can't be opened: ${error.message}.`;
      reject(new TurnoutError("failed", why, { remedies: ["name another with --port, or 0 for any"] }));
    });
  });
}
