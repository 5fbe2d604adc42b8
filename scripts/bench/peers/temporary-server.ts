import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A database server of this benchmark's own: on a temporary folder and a socket in it, and gone with it. */
export type TemporaryServer = { pid: number; folder: string; end(): Promise<void> };

/** Where Debian puts programs that it doesn't put on the PATH. */
const POSTGRESQL = "/usr/lib/postgresql";

/** The user that a server runs as where this process is root's: PostgreSQL refuses to be root's, and none needs it. */
const NOBODY = 65_534;

/** PostgreSQL with its own defaults: every commit waits for the disk. Undefined where it isn't installed. */
export async function startPostgres(): Promise<TemporaryServer | undefined> {
  const versions = existsSync(POSTGRESQL) ? readdirSync(POSTGRESQL).sort((a, b) => Number(b) - Number(a)) : [];
  const version = versions.includes("15") ? "15" : versions[0];
  if (version === undefined) return undefined;
  const program = (name: string) => join(POSTGRESQL, version, "bin", name);
  const folder = ownFolder();
  const data = join(folder, "data");
  execFileSync(program("initdb"), ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-sync"], {
    ...identity(),
    cwd: folder,
    stdio: "ignore",
  });
  const options = ["-D", data, "-k", folder, "-c", "listen_addresses="];
  const isReady = () => spawnSync(program("pg_isready"), ["-q", "-h", folder]).status === 0;
  return started(program("postgres"), options, folder, isReady);
}

/** Redis, which appends every write to its log and waits for the disk before it answers. Undefined where it isn't. */
export async function startRedis(): Promise<TemporaryServer | undefined> {
  const program = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"].find((path) => existsSync(path));
  if (program === undefined) return undefined;
  const folder = ownFolder();
  const log = ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--dir", folder];
  const isReady = () => existsSync(join(folder, "redis"));
  return started(program, ["--port", "0", "--unixsocket", "redis", ...log], folder, isReady);
}

function identity(): { uid?: number; gid?: number } {
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
}

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "turnout-peer-"));
  const { uid, gid } = identity();
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  return folder;
}

async function started(
  program: string,
  options: string[],
  folder: string,
  isReady: () => boolean,
): Promise<TemporaryServer> {
  const server: ChildProcess = spawn(program, options, { ...identity(), cwd: folder, stdio: "ignore" });
  const exited = once(server, "exit");
  const abandon = () => {
    server.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", abandon);
  const end = async () => {
    // PostgreSQL waits until everybody has left.
    server.kill("SIGTERM");
    await exited;
    rmSync(folder, { recursive: true, force: true });
    process.off("exit", abandon);
  };
  while (!isReady()) {
    if (server.exitCode !== null) throw new Error(`${program} ended with ${server.exitCode} before it listened`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { pid: server.pid ?? 0, folder, end };
}
