/** A row that a command has printed as JSON. */
export type Row = Record<string, unknown>;

export type Publishing = { detailType: string; count: number; customer: string; detail?: object };

/** What the story does with an environment. */
export type SmokePorts = {
  /** This run's own: its component and its source, so that nothing of another run is taken for it. */
  component: string;
  source: string;
  /** Runs a command of the CLI. @throws when it fails */
  turnout: (...args: string[]) => Promise<unknown>;
  /** Runs a command that prints NDJSON, whatever its exit code is. */
  rows: (...args: string[]) => Promise<Row[]>;
  publish: (events: Publishing) => Promise<void>;
  /** Deploys a build of the component. */
  deploy: (build: string) => Promise<unknown>;
  say: (line: string) => void;
  now: () => number;
  delay: (ms: number) => Promise<unknown>;
};

/** How long something may take that takes seconds. */
const PATIENCE_MS = 120_000;
const LOOK_EVERY_MS = 2_000;
export const EVENTS = 20;

/** Of the components that other runs have left, if they were killed. */
const COMPONENT_CHECK = /^(?:component |\w[\w-]* of )(smoke-\S+)$/;

/** Tells the story once. Returns what doesn't hold. */
export async function smokeStory(ports: SmokePorts): Promise<string[]> {
  const { component, turnout, rows, publish, deploy, say } = ports;
  const failures: string[] = [];
  const check = (what: string, holds: boolean) => {
    say(`${holds ? "ok    " : "FAILED"}  ${what}`);
    if (!holds) failures.push(what);
  };
  const because = ["--reason", "smoke test", "--yes"];

  /** Waits until all events of a type have come to a status, and sees that one version has them. */
  async function expectAll(detailType: string, status: string, version?: unknown): Promise<void> {
    const pattern = JSON.stringify({ source: [ports.source], "detail-type": [detailType] });
    const what = `${EVENTS} events '${detailType}' are ${status}`;
    say(`        waiting until ${what}, for ${PATIENCE_MS / 1_000} s at most`);
    let found: Row[] = [];
    for (const end = ports.now() + PATIENCE_MS; ports.now() < end; await ports.delay(LOOK_EVERY_MS)) {
      found = await rows("events", "--since", "30m", "--status", status, "--pattern", pattern, "--json");
      if (found.length >= EVENTS) break;
    }
    check(`${what}${found.length === EVENTS ? "" : `: ${found.length} are`}`, found.length === EVENTS);
    if (version === undefined) return;
    // Of no events all would be by that version.
    const byVersion = found.filter((one) => one.component_version === version).length;
    check(`all of them by version ${version}`, byVersion === EVENTS);
  }

  say("A component, twice: build 1 becomes stable and beta, build 2 experimental");
  await deploy("1");
  for (const alias of ["stable", "beta"]) await turnout("promote", component, "experimental", alias, ...because);
  await deploy("2");
  const aliases = await rows("aliases", component, "--json");
  const versionOf = (alias: string) => aliases.find((one) => one.alias === alias)?.version;
  const [stable, experimental] = [versionOf("stable"), versionOf("experimental")];
  const bothThere = stable !== undefined && experimental !== undefined;
  check("a deployment moves experimental alone", bothThere && stable !== experimental);
  if (!bothThere) return failures;
  const findings = await rows("doctor", "--json");
  const problems = findings.filter(({ check: of, status }) => {
    const [, other] = COMPONENT_CHECK.exec(String(of)) ?? [];
    return status === "problem" && (other === undefined || other === component);
  });
  for (const { check: of, found } of problems) say(`        ${of}: ${found}`);
  check("doctor finds nothing wrong", findings.length > 0 && problems.length === 0);

  say("Events go where their customer is pinned to");
  await publish({ detailType: "plain", count: EVENTS, customer: component });
  await expectAll("plain", "done", stable);
  const pin = ["--customer", component, "--component", component];
  await turnout("pin", ...pin, "--to", "experimental", "--for", "1h", ...because);
  await publish({ detailType: "pinned", count: EVENTS, customer: component });
  await expectAll("pinned", "done", experimental);

  say("A version that fails, and a replay that puts it right");
  await publish({ detailType: "failing", count: EVENTS, customer: component, detail: { failsIn: "2" } });
  await expectAll("failing", "dead");
  await turnout("unpin", ...pin, ...because);
  const pattern = JSON.stringify({ source: [ports.source], "detail-type": ["failing"] });
  const window = ["--since", "30m", "--pattern", pattern, "--at-most", String(EVENTS)];
  await turnout("replay", "start", ...window, "--mode", "finish", "--name", component, ...because);
  await expectAll("failing", "done", stable);

  say("Promote and roll back");
  await turnout("promote", component, "experimental", "stable", ...because);
  await turnout("rollback", component, "stable", ...because);
  const after = await rows("aliases", component, "--json");
  check("stable is where it was", after.find((one) => one.alias === "stable")?.version === stable);
  return failures;
}
