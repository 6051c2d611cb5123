import { access } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { delay } from "../../../base/abort.ts";
import { messageOf, RequestError } from "../../../base/errors.ts";
import { type AllocationKey, allocationName } from "../../../base/ids.ts";
import type { Logger } from "../../../base/logger.ts";
import type { DeviceSource } from "../../devices/device-source.ts";
import type {
  AllocationEnd,
  AllocationListener,
  Executor,
  ExecutorHealth,
  FoundAllocation,
  GpuGrant,
  LaunchSpec,
  Occupant,
  OutputPiece,
  ProcessId,
  ReadLogOptions,
} from "../executor.ts";
import { readBootId } from "../../inventory.ts";
import type { ContainerPolicy } from "../../policy/container-policy.ts";
import type { VolumeRules } from "../../volumes/resolve.ts";
import type { Allocation } from "./allocation.ts";
import { EngineConnection } from "./connection.ts";
import type { HostFacts } from "./container-options.ts";
import { Discards } from "./discards.ts";
import { type ContainerDetails, EngineClient } from "./engine-client.ts";
import { engineIdOf } from "./engine-facts.ts";
import type { GpuGrantSetting } from "./gpu-grant.ts";
import { GrantKeeper } from "./grant/grant-keeper.ts";
import { type ImageSettings, ImageStore } from "./images/image-store.ts";
import { InsideView } from "./inside-view.ts";
import { agentLabel, type ContainerOwner, containerName, parseLabels } from "./labels.ts";
import { Launcher } from "./launcher.ts";
import { listOccupants, reapContainer } from "./occupants.ts";
import { keepOutput } from "./output-keeper.ts";
import { Observer } from "./observer.ts";
import { readContainerOutput, readSavedOutput, saveContainerOutput, watchContainerOutput } from "./output.ts";
import { Readers } from "./readers.ts";
import { watchScratch } from "./scratch-watch.ts";
import { Slots } from "./slots.ts";
import { stopContainer } from "./stopper.ts";
import { TenantNetworks } from "./tenant-networks.ts";

const START_POLL_MS = 1_000;
const MAX_RELEASING = 8;
const SCRATCH_EVERY_MS = 30_000;
/** A reader that has not taken all of an ended container's output by then must begin anew. */
const READERS_WITHIN_MS = 30_000;

export interface DockerExecutorOptions {
  readonly socketPath: string;
  readonly nodeName: string;
  /** Which containers on the engine are this agent's. */
  readonly agentId: string;
  /** The output of released allocations is kept below it, in `logs/<allocation>/`. */
  readonly dataDir: string;
  /** Every container gets this runtime; undefined leaves it to the grant. */
  readonly runtime: string | undefined;
  readonly gpuGrant: GpuGrantSetting;
  readonly policy: ContainerPolicy;
  /** Directories of gpusched's own beside `dataDir`: no job is given any of them. */
  readonly reserved: readonly string[];
  /** How often scratch directories are measured, where they have a limit. */
  readonly scratchEveryMs?: number;
  /** The node's devices are simulated. */
  readonly simulated: boolean;
  /** Where the node's devices are read. */
  readonly devices: Pick<DeviceSource, "name" | "list">;
  readonly images: ImageSettings;
  readonly log: Logger;
  readonly onChange: AllocationListener;
}

/**
 * Runs each allocation as a container of a Docker Engine. An engine that cannot be reached makes the executor not ready,
 * never fail: it goes on trying, and what it cannot see it does not report as ended.
 */
export async function createDockerExecutor(options: DockerExecutorOptions): Promise<Executor> {
  const bootId = await readBootId();
  const closing = new AbortController();
  const engine = new EngineClient(options.socketPath, closing.signal);
  const images = await ImageStore.open({
    engine,
    dataDir: options.dataDir,
    settings: options.images,
    closing: closing.signal,
    log: options.log,
    rootDirectory: () => executor.rootDirectory,
  });
  const executor = new DockerExecutor(options, { bootId, engine, images, closing });
  await executor.connected();
  await executor.lookAtGrant();
  return executor;
}

interface Parts {
  readonly bootId: string;
  readonly engine: EngineClient;
  readonly images: ImageStore;
  /** Ends what is under way when the executor closes. */
  readonly closing: AbortController;
}

class DockerExecutor implements Executor {
  readonly name = "docker";
  readonly limits = { reason: "limited by Docker: memory, cores, processes", missing: [] };
  readonly #options: DockerExecutorOptions;
  readonly #owner: ContainerOwner;
  readonly #closing: AbortController;
  readonly #engine: EngineClient;
  readonly #images: ImageStore;
  readonly #grants: GrantKeeper;
  readonly #connection: EngineConnection;
  readonly #observer: Observer;
  readonly #launcher: Launcher;
  readonly #releasing = new Slots(MAX_RELEASING);
  readonly #readers = new Readers();
  readonly #insideView: InsideView;
  /** What runs in the background: closing waits for it. */
  readonly #tasks = new Set<Promise<void>>();

  constructor(options: DockerExecutorOptions, { bootId, engine, images, closing: controller }: Parts) {
    const { agentId, nodeName, log, onChange } = options;
    const closing = controller.signal;
    const discards = new Discards(engine, log);
    this.#closing = controller;
    this.#images = images;
    const { gpuGrant: setting, runtime, simulated, devices: source } = options;
    this.#grants = new GrantKeeper({ setting, runtime, simulated, source, log });
    const parts = { engine, discards, closing, log };
    this.#options = options;
    this.#owner = { agentId, nodeName, bootId };
    this.#engine = engine;
    this.#insideView = new InsideView(engine);
    this.#observer = new Observer({
      ...parts,
      owner: this.#owner,
      onChange,
      background: (task) => this.#background(task),
    });
    const isWanted = options.policy.network === "tenant";
    const networks = new TenantNetworks({
      ...parts,
      isWanted,
      engineId: async () => engineIdOf(await this.#connection.requireInfo()),
    });
    this.#launcher = new Launcher({
      ...parts,
      images,
      networks,
      policy: options.policy,
      host: () => this.#host(),
      volumeRules: () => this.#volumeRules(),
      observe: (allocation) => this.#observer.observe(allocation),
    });
    this.#connection = new EngineConnection({
      ...parts,
      label: agentLabel(agentId),
      onEvent: (event) => this.#observer.onEvent(event),
      reconcile: () => this.#observer.reconcile(),
    });
    this.#background(this.#connection.run());
    const { policy, scratchEveryMs: everyMs = SCRATCH_EVERY_MS } = options;
    if (policy.scratchMb !== undefined) {
      const end = this.#forceEnd.bind(this);
      const allocations = () => this.#observer.all();
      this.#background(watchScratch({ engine, limitMb: policy.scratchMb, everyMs, closing, log, allocations, end }));
    }
    this.#background(images.run());
    this.#background(networks.run());
    this.#background(keepOutput(this.#logsDirectory, closing, log));
  }

  /** Resolves when the engine has answered for the first time, or has failed to. */
  async connected(): Promise<void> {
    await this.#connection.firstAttempt;
  }

  /** Where the engine keeps its data; undefined while it has not told. */
  get rootDirectory(): string | undefined {
    return this.#connection.info?.DockerRootDir;
  }

  get gpuGrant(): GpuGrant {
    const { info, problem } = this.#connection;
    if (info === undefined) return { kind: "none", reason: problem };
    return this.#grants.latest ?? { kind: "none", reason: "how devices reach containers has not been found out yet" };
  }

  /** Finds out how devices reach containers, unless that was done a moment ago: engines, drivers and specifications change. */
  async lookAtGrant(): Promise<void> {
    const { info } = this.#connection;
    if (info !== undefined) await this.#grants.keep(info);
  }

  /** @throws RequestError `unavailable` when Docker does not answer: what exists is then unknown, not nothing */
  async recover(): Promise<readonly FoundAllocation[]> {
    await this.#orUnavailable("list the containers", () => this.#observer.recover());
    return this.#observer.all().map((allocation) => allocation.found());
  }

  launch(spec: LaunchSpec): void {
    if (this.#closing.signal.aborted || this.#observer.get(spec.key)) return;
    const { key, deviceIds, gpuMilli, graceMs, requeueOnNodeLost } = spec;
    const facts = { key, deviceIds, gpuMilli, graceMs, requeueOnNodeLost, isFromEarlierBoot: false };
    const allocation = this.#observer.add(facts, { phase: "starting", message: "starting" });
    this.#options.onChange(key, allocation.state);
    this.#background(this.#carryOutLaunch(allocation, spec));
  }

  stop(key: AllocationKey, graceMs: number, reason: string): void {
    const allocation = this.#observer.get(key);
    if (!allocation || allocation.hasEnded) return;
    const isFirst = !allocation.stopSignal.aborted;
    if (!allocation.stopBy(performance.now() + graceMs)) return;
    const { log } = this.#options;
    log.info({ allocation: allocation.name, graceMs, reason }, "stopping a container");
    if (!isFirst) return;
    const refresh = (it: Allocation): Promise<void> => this.#observer.refresh(it);
    this.#background(stopContainer(this.#engine, allocation, refresh, this.#closing.signal, log));
  }

  async release(key: AllocationKey): Promise<void> {
    const allocation = this.#observer.get(key);
    if (allocation && !allocation.hasEnded) throw notEnded(key);
    await this.#orUnavailable(`release ${allocationName(key)}`, () => this.#removeContainer(key, allocation));
    // One that was taken over meanwhile is told of until it has ended: whoever was told that it runs waits for that.
    if (this.#observer.get(key) === allocation) this.#observer.forget(key);
  }

  async *readLog(key: AllocationKey, options: ReadLogOptions): AsyncGenerator<Uint8Array> {
    // Before anything is looked at: what is found then stays until it is read.
    const { cut, leave } = this.#readers.enter(allocationName(key));
    try {
      yield* this.#output(key, { ...options, signal: AbortSignal.any([options.signal, cut]) });
      if (cut.aborted) throw new RequestError("unavailable", "the output was put away meanwhile; read it again");
    } finally {
      leave();
    }
  }

  watchOutput(key: AllocationKey, from: string | undefined, signal: AbortSignal): AsyncIterable<OutputPiece> {
    return watchContainerOutput(
      this.#engine,
      containerName(key),
      from,
      AbortSignal.any([signal, this.#closing.signal]),
    );
  }

  async health(): Promise<ExecutorHealth> {
    try {
      await this.#engine.ping();
      await this.lookAtGrant();
      const problem = await this.#images.problem();
      return { ready: problem === undefined, message: problem ?? "" };
    } catch (error) {
      return { ready: false, message: messageOf(error) };
    }
  }

  async occupants(): Promise<readonly Occupant[]> {
    return await this.#orUnavailable("list the containers", () => listOccupants(this.#engine));
  }

  async reap(occupant: Occupant, processes: readonly ProcessId[]): Promise<boolean> {
    const isOver = (): boolean => this.#observer.get(occupant.key)?.hasEnded ?? true;
    const { agentId } = this.#owner;
    const { log } = this.#options;
    if (!isOver()) return false;
    return await this.#orUnavailable("end what is left of an attempt", () =>
      reapContainer(occupant, processes, { engine: this.#engine, agentId, isOver, log }),
    );
  }

  async seesDevices(key: AllocationKey, mayRun: boolean): Promise<boolean | undefined> {
    return await this.#orUnavailable("look into a container", () =>
      this.#insideView.seesDevices(containerName(key), mayRun),
    );
  }

  /** Leaves every container as it is. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#tasks);
  }

  /** Its output is kept elsewhere first. Whoever comes then reads that, and those who read already are waited for. */
  async #removeContainer(key: AllocationKey, allocation: Allocation | undefined): Promise<void> {
    const details = await this.#releasing.run(async () => {
      const found = await this.#find(key);
      if (found?.State.Running && !allocation) throw notEnded(key);
      if (found) await saveContainerOutput(this.#engine, found.Id, this.#savedOutput(key));
      return found;
    });
    if (!details) return;
    await this.#readers.clear(allocationName(key), READERS_WITHIN_MS, this.#closing.signal);
    await this.#releasing.run(() => this.#engine.remove(details.Id));
  }

  async *#output(key: AllocationKey, options: ReadLogOptions): AsyncGenerator<Uint8Array> {
    const saved = this.#savedOutput(key);
    if (await exists(saved)) return yield* readSavedOutput(saved, options);
    if (options.follow) await this.#untilStarted(key, options.signal);
    const details = await this.#orUnavailable("read the output", () => this.#find(key));
    if (details) return yield* readContainerOutput(this.#engine, details.Id, options);
    if (!this.#observer.get(key))
      throw new RequestError("not_found", `this node has no output of ${allocationName(key)}`);
  }

  #forceEnd(allocation: Allocation, why: AllocationEnd): void {
    allocation.forcedEnd = why;
    this.stop(allocation.facts.key, 0, why.message);
  }

  async #carryOutLaunch(allocation: Allocation, spec: LaunchSpec): Promise<void> {
    await this.#launcher.launch(allocation, spec);
    // What the engine told of it meanwhile was the launch's business.
    await this.#observer.refresh(allocation);
  }

  async #untilStarted(key: AllocationKey, signal: AbortSignal): Promise<void> {
    for (let allocation = this.#observer.get(key); allocation?.state.phase === "starting" && !signal.aborted; ) {
      await delay(START_POLL_MS, AbortSignal.any([allocation.nextChange, signal, this.#closing.signal]));
      if (this.#closing.signal.aborted) return;
      allocation = this.#observer.get(key);
    }
  }

  /** The allocation's container, unless it is another agent's. */
  async #find(key: AllocationKey): Promise<ContainerDetails | undefined> {
    const details = await this.#engine.inspect(containerName(key));
    return details && parseLabels(details.Config.Labels)?.agentId === this.#owner.agentId ? details : undefined;
  }

  async #host(): Promise<HostFacts> {
    const info = await this.#connection.requireInfo();
    return {
      owner: this.#owner,
      engineId: engineIdOf(info),
      cpus: info.NCPU ?? availableParallelism(),
      // What Docker says when it could not run its init.
      hasInit: info.InitCommit?.ID !== undefined && info.InitCommit.ID !== "N/A",
      grant: await this.#grants.keep(info),
      runtime: this.#options.runtime,
      policy: this.#options.policy,
      isRemapped: (info.SecurityOptions ?? []).some((it) => /^name=(userns|rootless)\b/.test(it)),
      cgroupVersion: info.CgroupVersion,
    };
  }

  async #volumeRules(): Promise<VolumeRules> {
    const { policy, dataDir, reserved, socketPath } = this.#options;
    const { DockerRootDir: engineDir } = await this.#connection.requireInfo();
    return {
      prefixes: policy.volumes,
      reserved: [dataDir, ...reserved, socketPath, ...(engineDir === undefined ? [] : [engineDir])],
      // Where images may name their user, jobs may be anybody.
      user: policy.root === "never" ? policy.user : undefined,
    };
  }

  get #logsDirectory(): string {
    return join(this.#options.dataDir, "logs");
  }

  #savedOutput(key: AllocationKey): string {
    return join(this.#logsDirectory, allocationName(key));
  }

  #background(task: Promise<void>): void {
    const tracked = task.finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
  }

  async #orUnavailable<T>(operation: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof RequestError) throw error;
      throw new RequestError("unavailable", `cannot ${operation}: ${messageOf(error)}`, { cause: error });
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

function notEnded(key: AllocationKey): RequestError {
  return new RequestError("conflict", `cannot release ${allocationName(key)}: it has not ended`);
}
