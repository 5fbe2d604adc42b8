import { execFile } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { serveConsole } from "../../scripts/embedded/open-console.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { readTokens, tokenNamed } from "../../shared/installation/console-token.ts";
import { installationOn } from "../../shared/installation/embedded-installation.ts";
import { runHere } from "../support/cli-in-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

function aHome(): string {
  const home = temporaryFolder();
  openEmbeddedState(home, { create: true }).close();
  return home;
}

describe("turnout console token", () => {
  const MINUTES = 60_000;

  it("makes an address that signs in with a role for a while, and keeps its hash alone, for the owner alone", async () => {
    const home = aHome();
    const asked = ["console", "token", "--role", "viewer", "--name", "ada", "--for", "1h", "--json"];
    const { code, stdout } = await runHere(asked, home);
    expect(code).toBe(0);
    const { url, role, name, expires_at } = JSON.parse(stdout);
    expect({ role, name }).toEqual({ role: "viewer", name: "ada" });
    const token = new URL(url).searchParams.get("token") ?? "";
    const file = join(home, "console-tokens.json");
    expect(readFileSync(file, "utf8")).not.toContain(token);
    expect(statSync(file).mode & 0o077).toBe(0);
    const until = new Date(expires_at);
    expect(tokenNamed(token, readTokens(home), new Date(until.getTime() - MINUTES))).toMatchObject({
      role: "viewer",
      name: "ada",
    });
    expect(tokenNamed(token, readTokens(home), until)).toBe("expired");
    expect(tokenNamed(`${token}x`, readTokens(home), new Date())).toBeUndefined();
  });

  it("leaves the tokens that are good yet", async () => {
    const home = aHome();
    for (const name of ["ada", "bob"]) await runHere(["console", "token", "--name", name], home);
    expect(new Set(readTokens(home).map(({ name }) => name))).toEqual(new Set(["ada", "bob"]));
  });

  it("loses none of those that several processes make at once", async () => {
    const home = aHome();
    const module = fileURLToPath(new URL("../../shared/installation/console-token.ts", import.meta.url));
    const code = `
      const { keepToken } = await import(${JSON.stringify(module)});
      const [, home, name] = process.argv;
      for (let n = 0; n < 20; n++) {
        const kept = { hash: name + n, role: "viewer", name, expiresAt: "2100-01-01T00:00:00.000Z" };
        keepToken(home, kept, new Date());
      }`;
    const make = (name: string) =>
      promisify(execFile)(process.execPath, ["--input-type=module", "-e", code, home, name]);
    await Promise.all(["ada", "bob", "carol"].map(make));
    expect(readTokens(home)).toHaveLength(60);
  });

  it("refuses a role that there isn't, and an environment on AWS, which has no tokens", async () => {
    const home = aHome();
    expect(await runHere(["console", "token", "--role", "boss"], home)).toMatchObject({ code: 2 });
    expect(await runHere(["--env", "prod", "console", "token"], home)).toMatchObject({ code: 2 });
  });
});

describe("a console on loopback", () => {
  async function served() {
    const state = openEmbeddedState(temporaryFolder(), { create: true });
    onTestFinished(() => state.close());
    const now = () => new Date();
    const about = { port: 0, role: "viewer", where: "prod", now, onError: () => {} } as const;
    const { address, stop } = await serveConsole(
      { ...installationOn(state, () => true), who: async () => "an-arn" },
      about,
    );
    onTestFinished(stop);
    return address;
  }

  it("is that of the installation, for whoever has its address, as who AWS says they are", async () => {
    const address = await served();
    const signedIn = await fetch(address, { redirect: "manual" });
    const [cookie = ""] = (signedIn.headers.get("set-cookie") ?? "").split(";");
    const page = await fetch(new URL("/console", address), { headers: { cookie } });
    expect(page.status).toBe(200);
    const text = await page.text();
    expect(text).toContain("an-arn");
    expect(text).toContain("<span>prod</span>");
    expect((await fetch(new URL("/console", address))).status).toBe(401);
  });

  it("says where its port is taken", async () => {
    const { port } = new URL(await served());
    const state = openEmbeddedState(temporaryFolder(), { create: true });
    onTestFinished(() => state.close());
    const about = {
      port: Number(port),
      role: "viewer",
      where: "prod",
      now: () => new Date(),
      onError: () => {},
    } as const;
    await expect(
      serveConsole(
        installationOn(state, () => true),
        about,
      ),
    ).rejects.toThrow(`Port ${port} on 127.0.0.1`);
  });
});
