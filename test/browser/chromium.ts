import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";

/** What Debian and others call it. */
const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** A browser for all tests of a file; each page has a context of its own, so that no cookie is handed on. */
export function aBrowser(): { page(options?: BrowserContextOptions): Promise<Page> } {
  let browser: Browser | undefined;
  beforeAll(async () => {
    // As root, which CI often is, Chromium has no sandbox.
    browser = await chromium.launch({ executablePath: findChromium(), args: ["--no-sandbox"] });
  });
  afterAll(() => browser?.close());
  return {
    async page(options = {}) {
      if (browser === undefined) throw new Error("the browser isn't there yet");
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
      context.setDefaultTimeout(30_000);
      return context.newPage();
    },
  };
}

function findChromium(): string {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const found = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(existsSync);
  if (found !== undefined) return found;
  throw new Error(`None of ${NAMES.join(", ")} is on the PATH. On Debian: apt-get install chromium.`);
}
