import type { HostProcess } from "../../../agent/truth/core/sighting.ts";
import { type AllocationKey, type DeviceId, allocationName } from "../../../base/ids.ts";
import type { Random } from "../random.ts";

/** So few that they are used again all the time. */
const MAX_PID = 30;

export interface ModelContainer {
  readonly id: string;
  readonly agentId: string;
  readonly key: AllocationKey;
  readonly deviceIds: readonly DeviceId[];
  status: "created" | "running" | "exited" | "removed";
  exitCode: number;
  /** At some time it ran although its attempt was over. */
  wasOrphan: boolean;
}

export interface ModelProcess {
  readonly pid: number;
  readonly startTicks: number;
  readonly container: ModelContainer | undefined;
  readonly deviceId: string;
}

/** A host with one engine, on which several agents have containers. */
export class ModelHost {
  nowMs = 1_000_000;
  isHung = false;
  readonly containers: ModelContainer[] = [];
  processes: ModelProcess[] = [];
  readonly random: Random;
  #timeline: { readonly atMs: number; readonly happen: () => void }[] = [];
  #ticks = 0;
  #ids = 0;

  constructor(random: Random) {
    this.random = random;
  }

  after(ms: number, happen: () => void): void {
    this.#timeline.push({ atMs: this.nowMs + ms, happen });
  }

  /** To the engine: it is done when that answers again. */
  ask(happen: () => void): void {
    this.after(this.random.between(1, 1_500), () => (this.isHung ? this.ask(happen) : happen()));
  }

  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const next = this.#timeline.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (!next || next.atMs > untilMs) break;
      this.#timeline = this.#timeline.filter((one) => one !== next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.happen();
    }
    this.nowMs = untilMs;
  }

  get isQuiet(): boolean {
    return this.#timeline.length === 0;
  }

  create(agentId: string, key: AllocationKey, deviceIds: readonly DeviceId[]): ModelContainer {
    this.#ids += 1;
    const id = this.#ids.toString(16).padStart(12, "0").padEnd(64, "0");
    const container: ModelContainer = { id, agentId, key, deviceIds, status: "created", exitCode: 0, wasOrphan: false };
    this.containers.push(container);
    return container;
  }

  find(agentId: string, key: AllocationKey): ModelContainer | undefined {
    const name = allocationName(key);
    return this.containers.find(
      (it) => it.agentId === agentId && it.status !== "removed" && allocationName(it.key) === name,
    );
  }

  start(container: ModelContainer): void {
    if (container.status === "removed" || container.status === "running") return;
    container.status = "running";
    for (const deviceId of container.deviceIds) this.spawn(container, deviceId);
  }

  /** @param isLeaky the engine loses sight of the processes */
  exit(container: ModelContainer, exitCode: number, isLeaky = false): void {
    if (container.status !== "running") return;
    container.status = "exited";
    container.exitCode = exitCode;
    if (!isLeaky) this.processes = this.processes.filter((it) => it.container !== container);
  }

  spawn(container: ModelContainer | undefined, deviceId: string): void {
    const free = Array.from({ length: MAX_PID }, (_, index) => index + 1).filter(
      (pid) => !this.processes.some((it) => it.pid === pid),
    );
    const pid = this.random.next() < 0.5 ? free[0] : this.random.pick(free);
    this.#ticks += 1;
    if (pid !== undefined) this.processes.push({ pid, startTicks: this.#ticks, container, deviceId });
  }

  end(process: ModelProcess): void {
    this.processes = this.processes.filter((it) => it !== process);
  }

  /** What the kernel tells. */
  describe(pid: number): HostProcess | undefined {
    const process = this.processes.find((it) => it.pid === pid);
    if (!process) return undefined;
    const { startTicks, container } = process;
    const containerIds = container ? [container.id] : [];
    return {
      pid,
      startTicks,
      command: "python",
      user: "anna",
      session: pid,
      leaderStartTicks: startTicks,
      containerIds,
    };
  }
}
