import { type AllocationKey, allocationName } from "../../base/ids.ts";
import type {
  AllocationEnd,
  AllocationListener,
  AllocationState,
  Executor,
  ExecutorHealth,
  FoundAllocation,
  LaunchSpec,
} from "../../agent/executor/executor.ts";
import type { Actor } from "./actor.ts";
import type { Container } from "./container.ts";
import type { ModelHost } from "./model-host.ts";
import type { WorldView } from "./world-view.ts";

const STOPPED_BEFORE: AllocationEnd = { kind: "node", message: "stopped before it started" };

/** A container on its way. */
interface Launching {
  readonly spec: LaunchSpec;
  isStopped: boolean;
}

/** What an agent's process has of its host's containers: as the Docker executor behaves, with all of it in virtual time. */
export class ModelExecutor implements Executor {
  readonly name = "process";
  readonly gpuGrant = { kind: "environment", reason: "simulated" } as const;
  readonly limits = { reason: "limited by nothing", missing: [] };
  readonly #world: WorldView;
  readonly #host: ModelHost;
  readonly #actor: Actor;
  readonly #listener: AllocationListener;
  readonly #launching = new Map<string, Launching>();
  readonly #killAtMs = new Map<string, number>();

  constructor(world: WorldView, host: ModelHost, actor: Actor, listener: AllocationListener) {
    this.#world = world;
    this.#host = host;
    this.#actor = actor;
    this.#listener = listener;
    host.onEnded = (container) => {
      actor.after(this.#soonMs(), `${container.name} has ended`, () => this.#tell(container));
    };
  }

  recover(): Promise<readonly FoundAllocation[]> {
    return Promise.resolve([...this.#host.containers.values()].map((container) => this.#found(container)));
  }

  launch(spec: LaunchSpec): void {
    const { faults, coverage } = this.#world;
    const name = allocationName(spec.key);
    if (this.#launching.has(name) || this.#host.containers.has(name)) return;
    const launching = { spec, isStopped: false };
    this.#launching.set(name, launching);
    this.#actor.after(50 + faults.random.next() * faults.maxStartMs, `${name} is started`, () => {
      this.#launching.delete(name);
      if (launching.isStopped) return this.#neverRan(spec.key, STOPPED_BEFORE);
      if (faults.strikes("start failure")) {
        coverage.count("fault: start failure");
        return this.#neverRan(spec.key, { kind: "node", message: "the engine does not feel like it" });
      }
      this.#tell(this.#host.start(spec));
    });
  }

  stop(key: AllocationKey, graceMs: number): void {
    const name = allocationName(key);
    const launching = this.#launching.get(name);
    if (launching) launching.isStopped = true;
    const container = this.#host.containers.get(name);
    if (!container || container.endedAtMs !== undefined) return;
    const killAtMs = this.#actor.monotonicMs() + graceMs;
    if ((this.#killAtMs.get(name) ?? Number.POSITIVE_INFINITY) <= killAtMs) return;
    this.#killAtMs.set(name, killAtMs);
    this.#actor.after(this.#soonMs(), `SIGTERM for ${name}`, () => this.#host.terminate(container));
    const killMs = graceMs / this.#actor.clockRate + this.#soonMs();
    this.#actor.after(killMs, `SIGKILL for ${name}`, () => this.#host.kill(container));
  }

  release(key: AllocationKey): Promise<void> {
    const name = allocationName(key);
    return new Promise((resolve, reject) => {
      this.#actor.after(this.#soonMs(), `${name} is removed`, () => {
        const container = this.#host.containers.get(name);
        if (container && container.endedAtMs === undefined) return reject(new Error("it runs"));
        this.#host.containers.delete(name);
        resolve();
      });
    });
  }

  readLog(): AsyncIterable<Uint8Array> {
    throw new Error("there is no output in a simulation");
  }

  watchOutput(): AsyncIterable<never> {
    throw new Error("there is no output in a simulation");
  }

  health(): Promise<ExecutorHealth> {
    return Promise.resolve({ ready: true, message: "" });
  }

  /** No look is taken in a simulation. */
  occupants(): Promise<never> {
    return Promise.reject(new Error("nobody asks"));
  }

  reap(): Promise<boolean> {
    return Promise.resolve(false);
  }

  seesDevices(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The process dies: a launch on its way has done nothing yet, has created its container, or has started it. */
  abandon(): void {
    this.#host.onEnded = undefined;
    for (const { spec } of this.#launching.values()) {
      const fate = this.#world.faults.random.pick(["nothing", "created", "started"] as const);
      this.#world.coverage.count(`launch cut off: ${fate}`);
      if (fate === "created") this.#host.create(spec);
      if (fate === "started") this.#host.start(spec);
    }
  }

  #neverRan(key: AllocationKey, end: AllocationEnd): void {
    this.#listener(key, { phase: "ended", startedAtMs: undefined, endedAtMs: this.#actor.wallMs(), end });
  }

  #tell(container: Container): void {
    this.#listener(container.spec.key, this.#stateOf(container));
  }

  #found(container: Container): FoundAllocation {
    const { key, deviceIds, gpuMilli, graceMs, requeueOnNodeLost } = container.spec;
    return { key, deviceIds, gpuMilli, graceMs, requeueOnNodeLost, state: this.#stateOf(container) };
  }

  /** Times are what the host's clock showed. */
  #stateOf({ startedAtMs, endedAtMs, end, isStopping }: Container): AllocationState {
    const actor = this.#actor;
    const wall = (atMs: number) => actor.wallMs() - (this.#world.timeline.now - atMs) * actor.clockRate;
    if (end === undefined || endedAtMs === undefined) {
      return { phase: "running", startedAtMs: wall(startedAtMs ?? 0), stopping: isStopping };
    }
    const started = startedAtMs === undefined ? undefined : wall(startedAtMs);
    return { phase: "ended", startedAtMs: started, endedAtMs: wall(endedAtMs), end };
  }

  #soonMs(): number {
    return 1 + this.#world.faults.random.next() * 100;
  }
}
