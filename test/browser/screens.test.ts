import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { COMPONENT } from "../support/incident.ts";
import { aBrowser } from "./chromium.ts";
import { aConsoleServer, SCREENSHOTS } from "./console-server.ts";

const browser = aBrowser();
const server = aConsoleServer();

/** Every screen by the name of its picture. */
const screens: [string, string][] = [
  ["overview", ""],
  ["component", `component?name=${COMPONENT}`],
  ["customers", "customers"],
  ["customer", "customer?customer=acme"],
  ["failures", "failures"],
  ["failures-explained", `failures?component=${COMPONENT}`],
  ["changes", "changes"],
  ["change", "change?revision=3"],
  ["replays", "replays"],
  ["releases", "releases"],
  ["stream", "stream?since=1h"],
  ["search", "search?q=a"],
  ["pin", `do/pin?component=${COMPONENT}&to=beta&customer=globex`],
  ["undo", `do/undo?component=${COMPONENT}&alias=beta`],
  ["release-start", "do/release-start"],
  ["guard", `guard?component=${COMPONENT}&alias=beta`],
];

const looks = [
  { name: "1440-light", viewport: { width: 1440, height: 900 }, colorScheme: "light" },
  { name: "1440-dark", viewport: { width: 1440, height: 900 }, colorScheme: "dark" },
  { name: "360-light", viewport: { width: 360, height: 740 }, colorScheme: "light" },
  { name: "360-dark", viewport: { width: 360, height: 740 }, colorScheme: "dark" },
] as const;

describe("every screen", () => {
  it.each(looks)("is whole, accessible and no wider than the window: $name", async ({ name: look, ...options }) => {
    const page = await browser.page(options);
    const said: string[] = [];
    page.on("console", (message) => void said.push(message.text()));
    page.on("pageerror", (error) => void said.push(error.message));
    await server.signIn(page);
    await failuresAreCounted(page);
    const found: Record<string, unknown> = {};
    for (const [name, path] of screens) {
      const answer = await page.goto(server.address(path));
      const { violations } = await new AxeBuilder({ page }).analyze();
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth - window.innerWidth");
      await page.screenshot({ path: `${SCREENSHOTS}/${name}-${look}.png`, fullPage: true });
      const problems = [
        ...(answer?.status() === 200 ? [] : [`status ${answer?.status()}`]),
        ...violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("; ")}`),
        ...(wide > 0 ? [`${wide} px too wide`] : []),
        ...said.splice(0),
      ];
      if (problems.length > 0) found[name] = problems;
    }
    expect(found).toEqual({});
    await page.context().close();
  });
});

/** Counts are stored a few seconds after what they count. */
async function failuresAreCounted(page: Page): Promise<void> {
  await page.goto(server.address("failures"));
  await expect
    .poll(
      async () => {
        await page.reload();
        return page.getByRole("row").count();
      },
      { timeout: 60_000, interval: 500 },
    )
    .toBeGreaterThan(1);
}
