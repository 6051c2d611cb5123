import { realpath } from "node:fs/promises";
import { type AllocationKey, allocationName, parseAllocationName } from "../../../base/ids.ts";
import { RequestError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import { makeDataDirectory } from "../../../base/make-directory.ts";
import { ServiceStack } from "../../../base/service.ts";
import { SECOND_MS } from "../../../base/time.ts";
import { type MinFree, roomProblem } from "../../disk/disk-room.ts";
import { readBootId } from "../../inventory.ts";
import type {
  AllocationListener,
  Executor,
  ExecutorHealth,
  FoundAllocation,
  GpuGrant,
  LaunchSpec,
  Occupant,
  OutputPiece,
  ProcessId,
  JobLimitation,
  ReadLogOptions,
  Volume,
} from "../executor.ts";
import { readLogFiles } from "../log-file.ts";
import { AttemptFiles } from "./attempt-files.ts";
import { placeFor } from "./cgroup/host-place.ts";
import { createEntry, type Entry, hasEnded, launchOf } from "./entry.ts";
import { clearGroup, endWithoutRunner } from "./leftovers.ts";
import type { VolumeRules } from "../../volumes/resolve.ts";
import { keepLogs } from "./log-keeper.ts";
import { Orphans } from "./orphans.ts";
import type { Launch } from "./protocol.ts";
import { takesLimits } from "./runner-features.ts";
import { RunnerLink } from "./runner-link.ts";
import { killMembers, killProcessesIn } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { volumeProblem } from "./volumes.ts";
import { watchFiles } from "./watch-files.ts";
import { type Status, type StatusEnd, type StatusState, toAllocationState } from "./status.ts";

/** How long recovering and a launch wait for a runner. */
const RUNNER_DEADLINE_MS = 15 * SECOND_MS;
const LAUNCH_DEADLINE_MS = 30 * SECOND_MS;
/** How long a job that is gone may still be told of by a runner that cannot be reached. */
const RUNNER_PATIENCE_MS = 30 * SECOND_MS;
const LAUNCH_CHECK_EVERY_MS = SECOND_MS;

export interface ProcessExecutorOptions {
  readonly agentId: string;
  readonly dataDir: string;
  /** Of the data directory's disk. */
  readonly minFreeDisk: MinFree;
  /** Undefined gives jobs no volumes. */
  readonly volumeRules?: VolumeRules;
  readonly log: Logger;
  readonly onChange: AllocationListener;
}

/** Runs jobs as plain processes of this user: no images, and limits as far as the host's control groups allow. */
export async function createProcessExecutor(options: ProcessExecutorOptions): Promise<Executor> {
  makeDataDirectory(options.dataDir);
  const dataDir = await realpath(options.dataDir);
  const files = new AttemptFiles(dataDir);
  await files.prepare();
  const { reason, missing } = placeFor(dataDir);
  return new ProcessExecutor(
    { ...options, dataDir },
    { files, bootId: await readBootId(), limits: { reason, missing } },
  );
}

/** What was found on this host beforehand. */
interface Found {
  readonly files: AttemptFiles;
  readonly bootId: string;
  readonly limits: JobLimitation;
}

/** Keeps what it is told by the runner, and decides what became of allocations that no runner has. */
class ProcessExecutor implements Executor {
  readonly name = "process";
  readonly gpuGrant: GpuGrant = {
    kind: "environment",
    reason: "a process sees every device of its host and is told its own by CUDA_VISIBLE_DEVICES",
  };
  readonly limits: JobLimitation;
  readonly #options: ProcessExecutorOptions;
  readonly #files: AttemptFiles;
  readonly #bootId: string;
  readonly #entries = new Map<string, Entry>();
  /** What the connected runner has; empty while there is none. */
  readonly #claimed = new Map<string, Status>();
  readonly #link: RunnerLink;
  readonly #orphans: Orphans;
  readonly #services = new ServiceStack();
  /** What was begun and nobody waits for but `close`. */
  readonly #background = new Set<Promise<void>>();
  readonly #launchCheck: NodeJS.Timeout;
  readonly #sessions = new Sessions();
  #isRecovered = false;
  /** The connected runner is no older than limits are. */
  #takesLimits = false;

  constructor(options: ProcessExecutorOptions, { files, bootId, limits }: Found) {
    this.#options = options;
    this.#files = files;
    this.#bootId = bootId;
    this.limits = limits;
    this.#orphans = new Orphans(files, (name, goneForMs) => this.#onOrphanGone(name, goneForMs));
    this.#link = new RunnerLink({
      dataDir: options.dataDir,
      log: options.log,
      onWelcome: (jobs) => this.#onWelcome(jobs),
      onChanged: (status) => this.#onChanged(status),
      onLost: () => this.#onLost(),
    });
    this.#services.add(keepLogs({ files, orphans: () => this.#orphans.names(), log: options.log }));
    this.#services.add(this.#orphans);
    this.#services.add(this.#link);
    this.#launchCheck = setInterval(() => this.#giveUpLaunches(), LAUNCH_CHECK_EVERY_MS);
  }

  async recover(): Promise<readonly FoundAllocation[]> {
    await this.#link.settled(RUNNER_DEADLINE_MS);
    for (const name of await this.#files.names()) {
      const key = parseAllocationName(name);
      if (!key || this.#entries.has(name)) continue;
      const status = this.#claimed.get(name) ?? (await this.#readStatus(name));
      const entry = createEntry(key, { status, bootId: this.#bootId });
      if (status) this.#sessions.learn(key, status);
      this.#entries.set(name, entry);
      if (!this.#claimed.has(name)) await this.#settle(entry, status);
    }
    this.#isRecovered = true;
    return [...this.#entries.values()].map(({ key, status }) => {
      const { deviceIds, gpuMilli, graceMs, requeueOnNodeLost, state } = status;
      return { key, deviceIds, gpuMilli, graceMs, requeueOnNodeLost, state: toAllocationState(state) };
    });
  }

  launch(spec: LaunchSpec): void {
    const name = allocationName(spec.key);
    if (this.#entries.has(name)) return;
    const launch = launchOf(name, spec);
    const entry = createEntry(spec.key, { launch, bootId: this.#bootId });
    this.#entries.set(name, entry);
    if (launch.argv.length === 0) {
      return this.#begin(this.#end(entry, { kind: "bad-request", message: "a process needs a command or a script" }));
    }
    if (spec.volumes?.length) return this.#begin(this.#launchWithVolumes(entry, launch, spec.volumes));
    this.#sendLaunch(launch);
  }

  async #launchWithVolumes(entry: Entry, launch: Launch, volumes: readonly Volume[]): Promise<void> {
    const problem = await volumeProblem(volumes, this.#options.volumeRules);
    if (problem !== undefined) return await this.#end(entry, { kind: "bad-request", message: problem });
    if (!hasEnded(entry)) this.#sendLaunch(launch);
  }

  stop(key: AllocationKey, graceMs: number, reason: string): void {
    const entry = this.#entries.get(allocationName(key));
    const killAtMs = Date.now() + graceMs;
    if (!entry || hasEnded(entry) || killAtMs >= (entry.killAtMs ?? Infinity)) return;
    this.#options.log.debug({ ...key, graceMs, reason }, "stopping a process");
    entry.killAtMs = killAtMs;
    if (this.#orphans.has(entry.name)) this.#stopOrphan(entry, killAtMs);
    else if (this.#link.isConnected) this.#link.send({ kind: "stop", name: entry.name, graceMs });
    else this.#begin(this.#end(entry, { kind: "node", message: "stopped before it started" }));
  }

  async release(key: AllocationKey): Promise<void> {
    const name = allocationName(key);
    const entry = this.#entries.get(name);
    if (!entry) return;
    if (!hasEnded(entry)) {
      throw new RequestError("conflict", `cannot release ${name}: it has not ended`);
    }
    await entry.saving;
    await clearGroup(this.#files, name, this.#options.log);
    await this.#files.release(name);
    this.#entries.delete(name);
  }

  async *readLog(key: AllocationKey, options: ReadLogOptions): AsyncGenerator<Uint8Array> {
    const name = allocationName(key);
    const isOver = (): boolean => {
      const entry = this.#entries.get(name);
      return entry === undefined || hasEnded(entry);
    };
    if (!this.#entries.has(name) && !(await this.#files.hasKeptLog(name))) {
      throw new RequestError("not_found", "no output of this job is kept on this node");
    }
    yield* readLogFiles(this.#files.logPaths(name), options, isOver);
  }

  watchOutput(key: AllocationKey, from: string | undefined, signal: AbortSignal): AsyncIterable<OutputPiece> {
    const name = allocationName(key);
    const paths = { stdout: this.#files.logPath(name, "stdout"), stderr: this.#files.logPath(name, "stderr") };
    return watchFiles(paths, from, signal);
  }

  async health(): Promise<ExecutorHealth> {
    const { dataDir: directory, minFreeDisk } = this.#options;
    const problem = this.#link.problem ?? (await roomProblem([{ directory, what: "the agent's data" }], minFreeDisk));
    return { ready: problem === undefined, message: problem ?? "" };
  }

  occupants(): Promise<readonly Occupant[]> {
    const { agentId } = this.#options;
    for (const { key, status } of this.#entries.values()) this.#sessions.learn(key, status);
    return Promise.resolve(this.#sessions.all((name) => this.#isOver(name)).map((one) => ({ ...one, agentId })));
  }

  async reap({ id, agentId, key }: Occupant, processes: readonly ProcessId[]): Promise<boolean> {
    const leader = this.#sessions.leaderOf(id, key);
    if (!leader || agentId !== this.#options.agentId || !this.#isOver(allocationName(key))) return false;
    return await killMembers(leader, processes);
  }

  /** It sees what its user sees. */
  seesDevices(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async close(): Promise<void> {
    clearInterval(this.#launchCheck);
    await this.#services.close();
    await Promise.all(this.#background);
  }

  #onWelcome(jobs: readonly Status[]): void {
    this.#takesLimits = takesLimits(this.#options.dataDir);
    this.#claimed.clear();
    for (const status of jobs) {
      this.#orphans.drop(status.name);
      this.#onChanged(status);
      this.#resendStop(status);
    }
    for (const entry of this.#entries.values()) {
      if (!this.#claimed.has(entry.name)) this.#begin(this.#settleFromDisk(entry));
    }
  }

  #onChanged(status: Status): void {
    const { name, state } = status;
    if (state.phase === "ended") this.#claimed.delete(name);
    else this.#claimed.set(name, status);
    const entry = this.#entries.get(name);
    if (!entry) return;
    // Given up here meanwhile: nobody waits for it any more.
    const isUnwanted = entry.isEnding || hasEnded(entry);
    if (isUnwanted && state.phase !== "ended") return this.#link.send({ kind: "stop", name, graceMs: 0 });
    this.#take(entry, status);
  }

  /** Watches what the runner had from outside until there is a runner again. */
  #onLost(): void {
    this.#claimed.clear();
    for (const entry of this.#entries.values()) this.#adoptOrphan(entry);
  }

  /** A stop that was asked for while the connection was down, or that it took away. */
  #resendStop({ name }: Status): void {
    const killAtMs = this.#entries.get(name)?.killAtMs;
    if (killAtMs === undefined) return;
    this.#link.send({ kind: "stop", name, graceMs: Math.max(0, killAtMs - Date.now()) });
  }

  async #settleFromDisk(entry: Entry): Promise<void> {
    if (entry.isSettling || hasEnded(entry)) return;
    entry.isSettling = true;
    await this.#settle(entry, await this.#readStatus(entry.name));
    entry.isSettling = false;
  }

  /** Decides what became of an allocation that no runner has, by what is on disk of it and by what still runs. */
  async #settle(entry: Entry, status: Status | undefined): Promise<void> {
    const { name, launch } = entry;
    if (this.#claimed.has(name) || entry.isEnding || hasEnded(entry)) return;
    if (status?.state.phase === "ended") return this.#take(entry, status);
    if (status && status.bootId !== this.#bootId) {
      return this.#end(entry, { kind: "node", message: "the node was rebooted" });
    }
    if (status?.state.phase === "running") {
      this.#take(entry, status);
      return this.#adoptOrphan(entry);
    }
    if (!status && launch) {
      if (entry.killAtMs === undefined) return this.#sendLaunch(launch);
      return this.#end(entry, { kind: "node", message: "stopped before it started" });
    }
    await killProcessesIn(this.#files.workDir(name));
    await clearGroup(this.#files, name, this.#options.log);
    await this.#end(entry, { kind: "node", message: "its start was interrupted" });
  }

  #sendLaunch(launch: Launch): void {
    const { limits: _, ...unlimited } = launch;
    this.#link.send({ kind: "launch", launch: this.#takesLimits ? launch : unlimited });
  }

  #giveUpLaunches(): void {
    for (const entry of this.#entries.values()) {
      if (entry.status.state.phase !== "starting" || !entry.launch || entry.isEnding) continue;
      if (performance.now() - entry.rememberedAtMs < LAUNCH_DEADLINE_MS) continue;
      const why = this.#link.problem ?? "the process runner does not answer";
      this.#begin(this.#end(entry, { kind: "node", message: `the node could not start it: ${why}` }));
    }
  }

  #adoptOrphan(entry: Entry): void {
    const { name, killAtMs, status } = entry;
    if (status.state.phase !== "running") return;
    this.#orphans.adopt(name, status.state.process, status.state.killAtMs);
    // Asked for, but the runner was lost before it could say that it knew.
    if (killAtMs !== undefined && killAtMs !== status.state.killAtMs) this.#stopOrphan(entry, killAtMs);
  }

  #stopOrphan(entry: Entry, killAtMs: number): void {
    const { state } = entry.status;
    this.#orphans.stop(entry.name, killAtMs);
    if (state.phase !== "running") return;
    const status = { ...entry.status, state: { ...state, killAtMs } };
    this.#begin(this.#writeStatus(entry, status));
    this.#take(entry, status);
  }

  async #onOrphanGone(name: string, goneForMs: number): Promise<void> {
    const status = await this.#readStatus(name);
    const entry = this.#entries.get(name);
    if (!entry) return this.#orphans.drop(name);
    if (this.#claimed.has(name)) return;
    if (status?.state.phase === "ended") return this.#take(entry, status);
    if (!this.#link.isConnected && goneForMs < RUNNER_PATIENCE_MS) return;
    await this.#end(entry, await endWithoutRunner(this.#files, name));
  }

  /** An end that no runner will record. */
  async #end(entry: Entry, end: StatusEnd): Promise<void> {
    if (entry.isEnding) return;
    entry.isEnding = true;
    const { state } = entry.status;
    const startedAtMs = state.phase === "running" ? state.startedAtMs : undefined;
    const ended: StatusState = { phase: "ended", startedAtMs, endedAtMs: Date.now(), end };
    const status = { ...entry.status, state: ended };
    await this.#writeStatus(entry, status);
    this.#take(entry, status);
  }

  #take(entry: Entry, status: Status): void {
    const before = toAllocationState(entry.status.state);
    const after = toAllocationState(status.state);
    if (before.phase === "ended") return;
    entry.status = status;
    this.#sessions.learn(entry.key, status);
    if (after.phase !== "starting") entry.launch = undefined;
    if (after.phase === "ended") this.#orphans.drop(entry.name);
    const isNews = JSON.stringify(before) !== JSON.stringify(after);
    if (isNews && this.#isRecovered) this.#options.onChange(entry.key, after);
  }

  /** A damaged record counts as none. */
  async #readStatus(name: string): Promise<Status | undefined> {
    try {
      return await this.#files.readStatus(name);
    } catch (error) {
      this.#options.log.error({ err: error, allocation: name }, "cannot read what is recorded of an allocation");
      return undefined;
    }
  }

  /** One after the other. An allocation whose state cannot be recorded has it all the same. */
  #writeStatus(entry: Entry, status: Status): Promise<void> {
    entry.saving = entry.saving.then(async () => {
      try {
        await this.#files.create(status.name);
        await this.#files.writeStatus(status);
      } catch (error) {
        this.#options.log.error({ err: error, allocation: status.name }, "cannot record the state of an allocation");
      }
    });
    return entry.saving;
  }

  #isOver(name: string): boolean {
    const entry = this.#entries.get(name);
    return entry === undefined || hasEnded(entry);
  }

  #begin(work: Promise<void>): void {
    const tracked = work.finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }
}
