import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { actions } from "../../functions/console/actions/actions.ts";
import { COMPONENT } from "../support/incident.ts";
import { aBrowser } from "./chromium.ts";
import { aConsoleServer, SCREENSHOTS } from "./console-server.ts";

const browser = aBrowser();
const server = aConsoleServer();

type Screen = { name: string; path: string; status?: number };

/** Every screen by the name of its picture. */
const screens: Screen[] = [
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
  ["all-stable", `do/all-stable?component=${COMPONENT}`],
  ["freeze", "do/freeze"],
  ["revert", "do/revert?revisions=4"],
  ["promote", `do/promote?component=${COMPONENT}&from=beta&to=stable`],
  ["rollout", `do/rollout-set?component=${COMPONENT}&to=beta&share=5%25&by=customer`],
  ["nothing-found", "search?q=nobody-has-this", 404],
  ["nothing-here", "nowhere", 404],
  ["refused-filter", "stream?status=gone", 400],
].map(([name, path, status]) => ({ name, path, ...(status !== undefined && { status }) })) as Screen[];

/** Forms that ask for what is missing: all are made of the same fields, so that each width and each scheme is one look. */
const forms = [...actions.keys()].map((name): Screen => ({ name: `form-${name}`, path: `do/${name}?edit=1` }));

const looks = [
  { name: "1440-light", viewport: { width: 1440, height: 900 }, colorScheme: "light", others: forms },
  { name: "1440-dark", viewport: { width: 1440, height: 900 }, colorScheme: "dark", others: [] },
  { name: "360-light", viewport: { width: 360, height: 740 }, colorScheme: "light", others: [] },
  { name: "360-dark", viewport: { width: 360, height: 740 }, colorScheme: "dark", others: forms },
] as const;

/** Thirty screens and more one after the other, each looked through by axe. */
const ALL_SCREENS_MS = 600_000;

describe("every screen", () => {
  it.each(looks)(
    "is whole, accessible and no wider than the window: $name",
    async ({ name: look, others, ...options }) => {
      const page = await browser.page(options);
      const said: string[] = [];
      page.on("console", (message) => void said.push(message.text()));
      page.on("pageerror", (error) => void said.push(error.message));
      await server.signIn(page);
      await failuresAreCounted(page);
      const made = await started(page);
      const found: Record<string, unknown> = {};
      for (const { name, path, status = 200 } of [...screens, ...others, ...made]) {
        const answer = await page.goto(server.address(path));
        const violations = await violationsOn(page);
        const wide = await page.evaluate<number>("document.documentElement.scrollWidth - window.innerWidth");
        await page.screenshot({ path: `${SCREENSHOTS}/${name}-${look}.png`, fullPage: true });
        const problems = [
          ...(answer?.status() === status ? [] : [`status ${answer?.status()}`]),
          ...violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("; ")}`),
          ...(wide > 0 ? [`${wide} px too wide`] : []),
          // A page that says what is wrong is told of by the browser as well.
          ...said.splice(0).filter((text) => status === 200 || !text.includes(`status of ${status}`)),
        ];
        if (problems.length > 0) found[name] = problems;
      }
      expect(found).toEqual({});
      await page.context().clearCookies();
      await page.goto(server.address());
      expect(await violationsOn(page)).toEqual([]);
      await page.screenshot({ path: `${SCREENSHOTS}/sign-in-${look}.png`, fullPage: true });
      await page.context().close();
    },
    ALL_SCREENS_MS,
  );
});

it("the overview has each version's verdict in sight on a phone, whatever they are called", async () => {
  const page = await browser.page({ viewport: { width: 360, height: 740 } });
  await server.signIn(page);
  await page.goto(server.address());
  const right = () =>
    page.evaluate<number[]>(
      "[...document.querySelectorAll('tbody tr')].map((row) => row.children[2].getBoundingClientRect().right)",
    );
  expect(await page.locator("thead th").nth(2).innerText()).toBe("Verdict");
  for (const edge of await right()) expect(edge).toBeLessThanOrEqual(360);
  await page.evaluate("for (const name of document.querySelectorAll('tbody th a')) name.textContent = 'x'.repeat(63)");
  const edges = await right();
  expect(edges.length).toBeGreaterThan(1);
  for (const edge of edges) expect(edge).toBeLessThanOrEqual(360);
  await page.context().close();
});

/** What axe finds. There are no frames here, for which it would open another page each time. */
async function violationsOn(page: Page) {
  const builder = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"] });
  return (await builder.analyze()).violations;
}

let begun: Screen[] | undefined;

/** A release and a replay that are under way, and the event that was the first to fail, made once for all looks. */
async function started(page: Page): Promise<Screen[]> {
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
  const acme = `do/replay-start?component=${COMPONENT}&customer=acme&from=${ago(3_600_000)}&to=${ago(0)}&mode=rerun`;
  begun ??= [
    { name: "replay-plan", path: acme },
    {
      name: "event",
      path: await hrefOn(page, `stream?component=${COMPONENT}&executed-version=2&since=1h`, "main a.id"),
    },
    ...(await agreedTo(page, "replay", acme)),
    ...(await agreedTo(
      page,
      "release",
      `do/release-start?component=${COMPONENT}&version=2&through=25%25&every=10m&guard=watch`,
    )),
  ];
  return begun;
}

async function hrefOn(page: Page, path: string, selector: string): Promise<string> {
  await page.goto(server.address(path));
  const href = await page.locator(selector).first().getAttribute("href");
  return href?.replace("/console/", "") ?? "";
}

/** Does what a form shows. The page that says so, and the one that it leads to. */
async function agreedTo(page: Page, name: string, path: string): Promise<Screen[]> {
  await page.goto(server.address(path));
  const force = page.getByLabel("Do it all the same");
  if ((await force.count()) > 0) await force.check();
  expect(await page.locator("main").innerText()).toContain("Reason");
  await page.getByLabel("Reason").fill("looked at by a test");
  await page.locator("button.main").click();
  await page.waitForURL(/\/console\/done/);
  const done = new URL(page.url());
  const next = await page.getByRole("link", { name: "Watch the" }).getAttribute("href");
  return [
    { name: `${name}-done`, path: `done${done.search}` },
    { name, path: next?.replace("/console/", "") ?? "" },
  ];
}

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
