import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { NETWORK_LABEL } from "../../agent/executor/docker/tenant-network.ts";
import { archiveBusybox, withSbin } from "./busybox-root.ts";
import { clearLeftovers } from "./docker-leftovers.ts";

const READY_WITHIN_MS = 120_000;
const PING_WITHIN_MS = 2_000;
const STOPPED_WITHIN_MS = 60_000;
/** The image that every test engine has: Debian's static busybox and nothing else. */
export const TEST_IMAGE = "test/busybox:1";

export interface DockerEngineOptions {
  /** Registers a stand-in for NVIDIA's runtime as `nvidia`: it records the bundle's configuration and runs runc. */
  readonly nvidiaRuntime?: boolean;
  /** Puts a recording stand-in for NVIDIA's hook on the engine's PATH, which makes device requests work. */
  readonly nvidiaHook?: boolean;
  /** Registers the runtime `broken`, whose program does not exist. */
  readonly brokenRuntime?: boolean;
  /**
   * A network namespace of its own, in which Docker makes rules as it does on a host; `unruled` is without these. Else it is
   * in the tests' own, and makes no rules there.
   */
  readonly network?: "ruled" | "unruled";
  /** Where it keeps its data; a directory of its own unless given. */
  readonly dataRoot?: string;
}

/** What a stand-in saw of one container: the OCI runtime configuration, as far as tests look at it. */
export interface RecordedContainer {
  readonly containerId: string;
  readonly by: "runtime" | "hook";
  readonly config: {
    readonly process: {
      readonly args: readonly string[];
      readonly env: readonly string[];
      readonly noNewPrivileges?: boolean;
      readonly capabilities?: Readonly<Record<string, readonly string[]>>;
    };
    readonly hooks?: { readonly prestart?: readonly { readonly path: string }[] };
    readonly linux: {
      readonly resources: {
        readonly memory?: { readonly limit?: number; readonly swap?: number };
        readonly cpu?: { readonly quota?: number; readonly period?: number };
        readonly pids?: { readonly limit?: number };
      };
    };
  };
}

/** A real dockerd of its own, beside whatever else runs on the host. */
export interface DockerEngine {
  readonly socketPath: string;
  readonly docker: Docker;
  /** Of dockerd as it runs now. */
  readonly pid: number;
  /** What the stand-ins recorded so far. */
  recorded(): Promise<readonly RecordedContainer[]>;
  /** SIGKILL to dockerd alone; with live-restore its containers go on. */
  kill(): Promise<void>;
  /** Ends dockerd if it runs (SIGTERM, containers go on) and starts it again on the same data. */
  restart(): Promise<void>;
  /** SIGSTOP, and resolves when it has stopped: connections are accepted and never answered. */
  pause(): Promise<void>;
  resume(): void;
  /** Removes its containers, ends it and everything it started, and deletes its files. */
  stop(): Promise<void>;
}

/** Starts dockerd with live-restore and without networks, and imports {@link TEST_IMAGE}. */
export async function startDockerEngine(options: DockerEngineOptions = {}): Promise<DockerEngine> {
  requirePrograms();
  // Short, because a socket's path may have 107 characters.
  const dir = await mkdtemp(join(tmpdir(), "gsd-"));
  const engine = new TestEngine(dir, options);
  try {
    await prepare(dir, options);
    await engine.start();
    await importImage(engine.docker, dir);
    return engine;
  } catch (error) {
    await engine.stop();
    throw error;
  }
}

class TestEngine implements DockerEngine {
  readonly socketPath: string;
  readonly docker: Docker;
  readonly #dir: string;
  readonly #dataRoot: string;
  readonly #network: DockerEngineOptions["network"];
  #process: ChildProcess | undefined;
  readonly #killAtExit = (): void => {
    this.#process?.kill("SIGKILL");
  };

  constructor(dir: string, { dataRoot = join(dir, "data"), network }: DockerEngineOptions) {
    this.#dir = dir;
    this.#dataRoot = dataRoot;
    this.#network = network;
    this.socketPath = join(dir, "docker.sock");
    this.docker = new Docker({ socketPath: this.socketPath });
    process.on("exit", this.#killAtExit);
  }

  get pid(): number {
    return this.#process?.pid ?? Number.NaN;
  }

  async start(): Promise<void> {
    const dir = this.#dir;
    await this.#clearPidFiles();
    const log = openSync(join(dir, "dockerd.log"), "a");
    const flags = ["--config-file", join(dir, "daemon.json"), "--data-root", this.#dataRoot];
    flags.push(
      "--exec-root",
      join(dir, "exec"),
      "--pidfile",
      join(dir, "docker.pid"),
      "-H",
      `unix://${this.socketPath}`,
    );
    if (this.#network !== "ruled") flags.push("--bridge=none", "--iptables=false", "--ip6tables=false");
    const inNamespace = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
    const [program = "", ...args] = [...(this.#network ? inNamespace : []), "dockerd", ...flags];
    const child = spawn(program, args, {
      stdio: ["ignore", log, log],
      env: withSbin(join(dir, "bin")),
    });
    closeSync(log);
    this.#process = child;
    await this.#waitUntilReady(child);
  }

  /**
   * Where nothing reaps orphans, such as in a container without an init, a dead containerd stays as a zombie, and the next
   * dockerd takes it for one that it can use.
   */
  async #clearPidFiles(): Promise<void> {
    const containerd = join(this.#dir, "exec/containerd/containerd.pid");
    const pid = await readFile(containerd, "utf8").catch(() => undefined);
    for (const until = Date.now() + STOPPED_WITHIN_MS; pid && existsSync(`/proc/${pid}/exe`); await sleep(20)) {
      if (Date.now() > until) throw new Error("containerd has outlived its dockerd");
    }
    await rm(containerd, { force: true });
    await rm(join(this.#dir, "docker.pid"), { force: true });
  }

  async #waitUntilReady(child: ChildProcess): Promise<void> {
    for (const until = Date.now() + READY_WITHIN_MS; Date.now() < until; await sleep(50)) {
      if (child.exitCode !== null || child.signalCode !== null) break;
      const answer = this.docker.ping().then(
        () => true,
        () => false,
      );
      const answers = await Promise.race([answer, sleep(PING_WITHIN_MS, false, { ref: false })]);
      if (answers) return;
    }
    const log = readFileSync(join(this.#dir, "dockerd.log"), "utf8");
    throw new Error(`dockerd did not start; the end of its log:\n${log.slice(-2_000)}`);
  }

  async recorded(): Promise<readonly RecordedContainer[]> {
    const recordings = join(this.#dir, "recorded");
    const found: RecordedContainer[] = [];
    for (const name of (await readdir(recordings)).sort()) {
      const match = /^(runtime|hook)-([0-9a-f]+)\.json$/.exec(name);
      if (!match?.[2]) continue;
      const config = JSON.parse(await readFile(join(recordings, name), "utf8"));
      found.push({ containerId: match[2], by: match[1] === "hook" ? "hook" : "runtime", config });
    }
    return found;
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.#end("SIGTERM");
    await this.start();
  }

  async pause(): Promise<void> {
    const pid = this.#process?.pid;
    if (pid === undefined || !this.#process?.kill("SIGSTOP")) throw new Error("dockerd does not run");
    for (const until = Date.now() + STOPPED_WITHIN_MS; !(await isStopped(pid)); await sleep(1)) {
      if (Date.now() > until) throw new Error("dockerd has not stopped");
    }
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    this.resume();
    await this.#removeContainers().catch(() => undefined);
    await this.#end("SIGTERM").catch(() => this.#end("SIGKILL"));
    process.off("exit", this.#killAtExit);
    await clearLeftovers(this.#dir);
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #removeContainers(): Promise<void> {
    const containers = await this.docker.listContainers({ all: true, abortSignal: AbortSignal.timeout(10_000) });
    await Promise.all(containers.map((it) => this.docker.getContainer(it.Id).remove({ force: true, v: true })));
    // Their interfaces would outlive the engine.
    const networks = await this.docker.listNetworks({ filters: { label: [NETWORK_LABEL] } });
    for (const { Id } of networks) await this.docker.getNetwork(Id).remove();
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    const inTime = await Promise.race([ended.then(() => true), sleep(STOPPED_WITHIN_MS, false, { ref: false })]);
    if (!inTime) throw new Error(`dockerd did not end within ${STOPPED_WITHIN_MS} ms of ${signal}`);
  }
}

/** A thread that runs on another processor at the moment goes on for a little after SIGSTOP, and may answer. */
async function isStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`);
  // One that ends meanwhile was running.
  const read = (id: string) => readFile(`/proc/${pid}/task/${id}/stat`, "utf8").catch(() => "");
  const stats = await Promise.all(threads.map(read));
  return stats.every((stat) => stat[stat.lastIndexOf(")") + 2] === "T");
}

/** Tests that need Docker never skip silently: what is missing is an error that says what to do. */
function requirePrograms(): void {
  if (process.getuid?.() !== 0)
    throw new Error("tests with a real Docker Engine must run as root: run `sudo npm test`");
  const missing: string[] = [];
  if (spawnSync("dockerd", ["--version"], { env: withSbin() }).error) missing.push("docker.io");
  if (!isExecutable("/bin/busybox")) missing.push("busybox-static");
  if (missing.length > 0) {
    throw new Error(`tests with a real Docker Engine need: apt-get install -y ${missing.join(" ")}`);
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function prepare(dir: string, options: DockerEngineOptions): Promise<void> {
  await mkdir(join(dir, "bin"));
  await mkdir(join(dir, "recorded"));
  const runtimes: Record<string, { path: string }> = {};
  if (options.nvidiaRuntime) {
    runtimes["nvidia"] = { path: join(dir, "bin/nvidia-container-runtime") };
    await writeProgram(join(dir, "bin/nvidia-container-runtime"), runtimeStandIn(join(dir, "recorded")));
  }
  if (options.nvidiaHook) {
    await writeProgram(join(dir, "bin/nvidia-container-runtime-hook"), hookStandIn(join(dir, "recorded")));
  }
  if (options.brokenRuntime) runtimes["broken"] = { path: join(dir, "bin/no-such-runtime") };
  await writeFile(
    join(dir, "daemon.json"),
    JSON.stringify({ "live-restore": true, "max-download-attempts": 1, runtimes }),
  );
}

async function writeProgram(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o755);
}

/** Its `create` names the bundle, whose directory has the container's id as its name. */
function runtimeStandIn(recordings: string): string {
  return `#!/bin/sh
bundle= previous=
for argument in "$@"; do
  [ "$previous" = --bundle ] && bundle=$argument
  previous=$argument
done
[ -n "$bundle" ] && cp "$bundle/config.json" "${recordings}/runtime-$(basename "$bundle").json"
exec runc "$@"
`;
}

/** An OCI prestart hook: the container's state, with its bundle, comes on standard input. */
function hookStandIn(recordings: string): string {
  return `#!/bin/sh
bundle=$(sed -n 's/.*"bundle":"\\([^"]*\\)".*/\\1/p')
[ -n "$bundle" ] && cp "$bundle/config.json" "${recordings}/hook-$(basename "$bundle").json"
exit 0
`;
}

async function importImage(docker: Docker, dir: string): Promise<void> {
  const archive = await archiveBusybox(dir);
  const [repo, tag] = TEST_IMAGE.split(":");
  const progress = await docker.importImage(archive, { repo, tag });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error) => (error ? reject(error) : resolve()));
  });
}
