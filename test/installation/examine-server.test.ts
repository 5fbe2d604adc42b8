import { expect, it, onTestFinished } from "vitest";
import { examineServer } from "../../shared/installation/examine-server.ts";
import { lockServer } from "../../shared/installation/server-lock.ts";
import { stubServer } from "../support/stub-server.ts";
import { temporaryFolder } from "../support/tmp.ts";

/** A state folder with a server that answers so; undefined: not at all. */
async function aServer(answer?: { status: number; text: string }): Promise<string> {
  const home = temporaryFolder();
  const endpoint = await stubServer((_, response) => {
    if (answer !== undefined) response.writeHead(answer.status).end(answer.text);
  });
  const lock = lockServer(home);
  lock.announce(Number(new URL(endpoint).port));
  onTestFinished(lock.release);
  return home;
}

it("examineServer finds a server in order that says so itself", async () => {
  const home = await aServer({ status: 200, text: "{}" });
  expect(await examineServer(home)).toMatchObject({
    status: "ok",
    found: expect.stringContaining(`process ${process.pid}`),
  });
});

it("examineServer says how many events are under way, of which the state file knows only those of the queue", async () => {
  const text = '{"status":"ok","revision":7,"queue":{"visible":2,"inFlight":31,"dead":0}}';
  expect(await examineServer(await aServer({ status: 200, text }))).toMatchObject({
    status: "ok",
    found: expect.stringMatching(/^runs \(process \d+, port \d+\), 31 events under way$/),
  });
  const lossy = `${text.slice(0, -1)},"lost_spans":1}`;
  expect(await examineServer(await aServer({ status: 200, text: lossy }))).toMatchObject({
    status: "warning",
    found: expect.stringMatching(/^runs \(process \d+, port \d+\), 31 events under way, and OpenTelemetry's collector/),
  });
});

it.each(["", "no JSON", "null", '{"queue":{"inFlight":"31"}}', '{"queue":[],"lost_spans":"1"}'])(
  "examineServer finds a server in order that answers %j",
  async (text) => {
    const home = await aServer({ status: 200, text });
    expect(await examineServer(home)).toMatchObject({ status: "ok", found: expect.stringMatching(/^runs \([^)]*\)$/) });
  },
);

it("examineServer warns of spans that OpenTelemetry's collector was not told of", async () => {
  const home = await aServer({ status: 200, text: '{"status":"ok","lost_spans":12}' });
  expect(await examineServer(home)).toMatchObject({
    status: "warning",
    found: expect.stringMatching(/^runs \(process \d+, port \d+\), and OpenTelemetry's collector .* 12 spans since it/),
    remedies: [expect.stringContaining("OTEL_EXPORTER_OTLP_ENDPOINT")],
  });
});

it("examineServer tells of the trouble that the server knows of, and what it says to do", async () => {
  const said = { error: "The disk is full.", remedies: ["free some space"] };
  const home = await aServer({ status: 503, text: JSON.stringify(said) });
  expect(await examineServer(home)).toMatchObject({
    status: "problem",
    found: expect.stringMatching(/^is in trouble \(process \d+, port \d+\): The disk is full\.$/),
    remedies: ["free some space"],
  });
});

it.each(["", "no JSON", "null", '{"error":5}'])(
  "examineServer gives the answer %j of one in trouble as it is",
  async (text) => {
    const home = await aServer({ status: 503, text });
    expect(await examineServer(home)).toMatchObject({ status: "problem", found: expect.stringContaining(`: ${text}`) });
  },
);

it("examineServer tells of a server that doesn't answer", async () => {
  const home = await aServer();
  expect(await examineServer(home, 50)).toMatchObject({
    status: "problem",
    found: expect.stringMatching(/^runs and doesn't answer/),
    remedies: ["See what its log says last, and restart it"],
  });
});

it("examineServer warns that none runs", async () => {
  expect(await examineServer(temporaryFolder())).toMatchObject({ status: "warning" });
});
