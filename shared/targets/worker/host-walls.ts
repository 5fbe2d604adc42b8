import { spawn } from "node:child_process";

/** How a host is kept apart from everything else of its user, besides being a process of its own. */
export type Walls = {
  /** What is put before the command. */
  prefix: readonly string[];
  /** What is missing, as a sentence; undefined when nothing is. */
  missing?: string;
};

/** Ends the host with the process that started it, however that ends. */
const DIES_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"];

/**
 * A host that is the first process of a PID namespace sees no other process in `/proc` and can signal none, and whatever
 * it starts ends with it. Made by `unshare` of util-linux; whoever isn't root needs a user namespace for that.
 */
const NAMESPACES = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

const CANDIDATES = [
  [...DIES_WITH_PARENT, ...NAMESPACES],
  [...DIES_WITH_PARENT, ...NAMESPACES, "--user", "--map-current-user"],
];

/** Tries what this machine allows. Never throws. */
export async function findWalls(): Promise<Walls> {
  for (const prefix of CANDIDATES) if (await works(prefix)) return { prefix };
  return {
    prefix: [],
    missing:
      "versions run in processes of their own, but may see and signal the other processes of this user: " +
      "namespaces need Linux with util-linux, and user namespaces allowed",
  };
}

function works([command = "", ...options]: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = spawn(command, [...options, "true"], { stdio: "ignore", env: { PATH: process.env.PATH } });
    probe.on("error", () => resolve(false));
    probe.on("exit", (exitCode) => resolve(exitCode === 0));
  });
}
