import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { startToken } from "../embedded/open-console.ts";
import { setUpConsumer, untilQueueIsEmpty } from "./embedded-rate.ts";
import { publishLoad } from "./publish-load.ts";
import { medianOf } from "./router/median.ts";
import { startServer } from "./server.ts";

const EVENTS = 5_000;
const ROUNDS = 3;
const LOADS = 10;

/** In a real browser on a real server: until a page can be used, and what a tab that watches costs the router. */
export async function benchWatchingTab(): Promise<void> {
  const executablePath = findChromium();
  if (executablePath === undefined) return console.log("  no Chromium on the PATH: a tab isn't measured");
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  await setUpConsumer(home);
  const server = await startServer(home);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(startToken(home, server.url, new Date()));
    const overview = `${server.url}/console`;
    const usable: number[] = [];
    for (let n = 0; n < LOADS; n++) usable.push(await usableAfter(page, overview));
    usable.sort((a, b) => a - b);
    console.log(
      `  overview in Chromium on loopback, until it can be used: median ${medianOf(usable).toFixed(0)} ms, at most ${usable.at(-1)?.toFixed(0)} ms`,
    );
    const rates: Record<"without" | "watched", number[]> = { without: [], watched: [] };
    // In turns: whatever else the machine does falls on both.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const kind of ["without", "watched"] as const) {
        await page.goto(kind === "watched" ? overview : "about:blank");
        const rate = await eventsPerSecond(server.url);
        // The first of each starts the version's threads.
        if (round > 0) rates[kind].push(rate);
      }
    }
    const [without, watched] = [medianOf(rates.without), medianOf(rates.watched)];
    console.log(
      `  ${without.toFixed(0)} events/s without a tab, ${watched.toFixed(0)} with one that watches the overview: ${(watched / without).toFixed(2)}`,
    );
  } finally {
    await browser.close();
    await server.end("SIGTERM");
    rmSync(home, { recursive: true, force: true });
  }
}

/** From the request to where the page is laid out and its scripts, which wait for that, have run; in ms. */
async function usableAfter(page: Page, address: string): Promise<number> {
  await page.goto(address, { waitUntil: "load" });
  return page.evaluate<number>("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd");
}

async function eventsPerSecond(url: string): Promise<number> {
  const entry = (n: number) => ({ Source: "bench", DetailType: "tick", Detail: JSON.stringify({ n, at: Date.now() }) });
  const start = performance.now();
  await publishLoad(url, EVENTS, entry, { connections: 16 });
  await untilQueueIsEmpty(url);
  return EVENTS / ((performance.now() - start) / 1_000);
}

function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const names = ["chromium", "chromium-browser", "google-chrome"];
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(existsSync);
}
