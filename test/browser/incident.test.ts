import { request } from "node:http";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { COMPONENT, publishOrders } from "../support/incident.ts";
import { aBrowser } from "./chromium.ts";
import { aConsoleServer } from "./console-server.ts";

const browser = aBrowser();
const server = aConsoleServer();

async function signedIn(options: { javaScriptEnabled?: boolean } = {}): Promise<Page> {
  const page = await browser.page(options);
  await server.signIn(page);
  return page;
}

/** Goes on by the key alone until what is to be pressed has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 150; presses++) {
    await page.keyboard.press("Tab");
    const focused = page.locator(":focus");
    if ((await focused.count()) === 0) continue;
    const text = (await focused.textContent())?.trim() || (await focused.getAttribute("name")) || "";
    if (text === name) return;
  }
  throw new Error(`the key doesn't get to '${name}' on ${page.url()}`);
}

async function press(page: Page, name: string): Promise<void> {
  await tabTo(page, name);
  const before = page.url();
  await page.keyboard.press("Enter");
  await page.waitForURL(({ href }) => href !== before);
}

/** What a page says once it does; without JavaScript it has to be asked for again. */
async function says(page: Page, words: string, isLive: boolean): Promise<void> {
  await expect
    .poll(
      async () => {
        if (!isLive) await page.reload();
        return page.locator("main").innerText();
      },
      { timeout: 60_000, interval: 500 },
    )
    .toContain(words);
}

async function giveReason(page: Page, reason: string): Promise<void> {
  await tabTo(page, "reason");
  await page.keyboard.type(reason);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/console\/done/);
}

describe("an incident, by keyboard alone", () => {
  it.each([true, false])("goes from the overview to undone, with JavaScript: %s", async (javaScriptEnabled) => {
    const page = await signedIn({ javaScriptEnabled });
    await publishOrders(server.url(), 20, ["acme"]);
    await press(page, COMPONENT);
    await press(page, "What explains its failures");
    await says(page, "customer acme", false);
    await page.goBack();
    // The rows' buttons come in their order: stable's first.
    await tabTo(page, "watch");
    await press(page, "Undo");
    expect(await page.locator("main").innerText()).toContain(
      "roll beta of release-coordinator back from 2 to version 1",
    );
    await giveReason(page, "2 fails for acme");
    await press(page, "Watch what is delivered again");
    // It moves by itself, if it may.
    await says(page, "100 % sent", javaScriptEnabled);
    await page.goto(server.address("changes"));
    expect(await page.locator("main").innerText()).toContain("beta of release-coordinator: 2 → 1 (settled)");
    // And back, for whoever comes next.
    await press(page, "Back to 2");
    await page
      .getByLabel("Do it all the same")
      .check({ timeout: 1_000 })
      .catch(() => {});
    await giveReason(page, "the next one looks into it");
    await page.context().close();
  });
});

describe("a pin", () => {
  it("shows whom it moves before it does, and is taken back by the button it ends on", async () => {
    const page = await signedIn();
    await page.goto(server.address("customer?customer=globex"));
    await page.getByRole("link", { name: "Pin", exact: true }).click();
    await page.getByLabel("To the alias").selectOption("beta");
    await page.getByRole("button", { name: "Show what it would do" }).click();
    expect(await page.getByRole("region", { name: "What it would do" }).innerText()).toContain("stable → beta");
    await page.getByLabel("Reason").fill("globex tries 2");
    await page.getByRole("button", { name: "Pin" }).click();
    await page.getByRole("link", { name: "Undo this" }).click();
    await page.getByRole("button", { name: "Unpin" }).click();
    await page.waitForURL(/\/console\/done/);
    await page.goto(server.address("customer?customer=globex"));
    expect(await page.locator("main").innerText()).not.toContain("customer pin\n");
    await page.context().close();
  });

  it("of a tab that has grown stale changes nothing, says what has, and keeps what was typed", async () => {
    const first = await signedIn();
    const second = await first.context().newPage();
    const pin = (customer: string) => server.address(`do/pin?component=${COMPONENT}&to=beta&customer=${customer}`);
    await first.goto(pin("globex"));
    await second.goto(pin("initech"));
    await second.getByLabel("Reason").fill("initech tries 2");
    await second.getByRole("button", { name: "Pin" }).click();
    await second.waitForURL(/\/console\/done/);
    await first.getByLabel("Reason").fill("globex, too");
    await first.getByRole("button", { name: "Pin" }).click();
    expect(await first.getByRole("alert").innerText()).toContain("the routing has changed since this was shown");
    expect(await first.locator("main").innerText()).toContain("initech tries 2");
    expect(await first.getByLabel("Reason").inputValue()).toBe("globex, too");
    await first.getByRole("button", { name: "Pin" }).click();
    await first.waitForURL(/\/console\/done/);
    await first.context().close();
  });
});

describe("the search", () => {
  it("finds a customer and a component from any page, by a key of its own", async () => {
    const page = await signedIn();
    await page.keyboard.press("/");
    await page.keyboard.type("umbrella");
    await page.keyboard.press("Enter");
    await page.waitForURL(/customer=umbrella|q=umbrella/);
    expect(await page.locator("main").innerText()).toContain("umbrella");
    await page.context().close();
  });
});

describe("a page that moves by itself", () => {
  it("keeps the button that copies its command", async () => {
    const page = await signedIn();
    await page.goto(server.address(`guard?component=${COMPONENT}&alias=beta`));
    const live = page.locator("#live");
    const before = await live.innerText();
    await expect.poll(() => live.innerText(), { timeout: 60_000, interval: 500 }).not.toBe(before);
    expect(await page.getByRole("button", { name: "Copy" }).count()).toBe(1);
    await page.context().close();
  });
});

describe("a page whose server is lost", () => {
  it("says so, and goes on by itself once it is there again", async () => {
    const page = await signedIn();
    await page.goto(server.address("stream?since=1h"));
    const lost = page.locator("#lost");
    await page.context().setOffline(true);
    await lost.waitFor({ state: "visible" });
    expect(await lost.innerText()).toContain("The server can't be reached.");
    await publishOrders(server.url(), 1, ["returned"]);
    expect(await page.locator("main").innerText()).not.toContain("returned");
    await page.context().setOffline(false);
    await lost.waitFor({ state: "hidden" });
    await page.locator("main").getByText("returned").first().waitFor();
    await page.context().close();
  });
});

describe("a page in a tab that nobody sees", () => {
  it("asks for nothing, until it is shown again", async () => {
    const page = await signedIn();
    await page.clock.install({ time: 0 });
    await page.goto(server.address());
    let asked = 0;
    page.on("request", () => asked++);
    const answered = (action: Promise<unknown>) => Promise.all([page.waitForResponse(server.address()), action]);
    // Without a window every tab counts as seen.
    const show = (isShown: boolean) =>
      page.evaluate(`
        Object.defineProperty(document, "hidden", { configurable: true, value: ${!isShown} });
        document.dispatchEvent(new Event("visibilitychange"));`);
    // From here on time passes by this test alone.
    await answered(page.clock.pauseAt(3_600_000));
    const before = asked;
    await show(false);
    await page.clock.runFor(60_000);
    await answered(show(true));
    expect(asked).toBe(before + 1);
    await page.context().close();
  });
});

describe("whoever isn't signed in here", () => {
  it("sees nothing but how to sign in", async () => {
    const page = await browser.page();
    const answer = await page.goto(server.address("changes"));
    expect(answer?.status()).toBe(401);
    expect(await page.locator("main").innerText()).toContain("Sign in first.");
    await page.context().close();
  });

  it("gets nowhere by another Host, or by a form of another origin", async () => {
    const page = await signedIn();
    const [cookie] = await page.context().cookies();
    const send = (method: string, headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = { cookie: `${cookie?.name}=${cookie?.value}`, ...headers };
        const asked = request(server.address("do/freeze"), { method, headers: sent }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        asked.on("error", reject).end();
      });
    expect(await send("GET", {})).toBe(200);
    expect(await send("GET", { host: "evil.example" })).toBe(403);
    expect(await send("POST", { origin: "https://evil.example" })).toBe(403);
    await page.context().close();
  });
});
