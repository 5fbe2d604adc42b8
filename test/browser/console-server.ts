import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { publishOrders, setUpIncident } from "../support/incident.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";

/** Where pictures of every screen are left, for whoever wants to see what was tested. */
export const SCREENSHOTS = "screenshots";

/**
 * The embedded server as a process of its own, for all tests of a file, with an incident that has just begun: acme's orders
 * fail on beta. Its own clock, its own guards, its own replays.
 */
export function aConsoleServer() {
  let server: ServerProcess | undefined;
  const ends: (() => Promise<void> | void)[] = [];
  beforeAll(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    const folder = mkdtempSync(join(tmpdir(), "turnout-browser-"));
    const home = join(folder, "home");
    const state = openEmbeddedState(home, { create: true });
    await setUpIncident(state, folder, new Date()).finally(() => state.close());
    server = await startServer(home, ["--no-sample"], undefined, (end) => void ends.push(end));
    await publishOrders(server.url, 200);
  });
  afterAll(async () => {
    for (const end of ends) await end();
  });
  const running = () => {
    if (server === undefined) throw new Error("the server isn't there yet");
    return server;
  };
  return {
    url: () => running().url,
    address: (path = "") => `${running().url}/console${path === "" ? "" : `/${path}`}`,
    /** The address that `npm start` prints, which signs in who follows it. */
    signIn: async (page: Page) => {
      await page.goto(signInAddress(running()));
      await page.waitForURL((url) => url.pathname === "/console");
    },
    signInAddress: () => signInAddress(running()),
    process: running,
  };
}

function signInAddress(server: ServerProcess): string {
  const address = /(http:\S+\/console\/sign-in\?token=\S+)/.exec(server.output())?.[1];
  if (address === undefined) throw new Error(`the server has printed no address to sign in by:\n${server.output()}`);
  return address;
}
