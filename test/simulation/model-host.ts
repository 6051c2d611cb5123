import { allocationName } from "../../base/ids.ts";
import type { AllocationEnd, LaunchSpec } from "../../agent/executor/executor.ts";
import type { Memory } from "../../agent/core/input.ts";
import type { Device } from "../../agent/devices/device-source.ts";
import type { Random } from "../support/random.ts";
import type { Scheduled } from "./actor.ts";
import type { Container } from "./container.ts";
import type { HostView, WorldView } from "./world-view.ts";

/** No longer once all faults are over: what is left is only to be seen to its end. */
const SHORT_RUN_MS = 20_000;
const KILLED = 137;
const TERMINATED = 143;

/** A machine with devices, containers and a disk. It outlives its agent's processes. */
export class ModelHost implements HostView {
  readonly name: string;
  readonly agentId: string;
  readonly devices: readonly Device[];
  readonly allowSharing: boolean;
  readonly peerAddress: string | undefined;
  readonly containers = new Map<string, Container>();
  bootId = "boot-1";
  bootedAtMs = 0;
  /** What the agent's disk remembers. */
  memory: Memory = { clusterId: "", highestTerm: 0, leaseMs: 0 };
  isGone = false;
  /** Told of ends; the agent's executor, while there is one. */
  onEnded: ((container: Container) => void) | undefined;
  readonly #world: WorldView;
  readonly #random: Random;
  readonly #ends = new Map<string, Scheduled>();
  #boots = 1;

  constructor(
    world: WorldView,
    name: string,
    facts: Pick<ModelHost, "devices" | "allowSharing" | "peerAddress"> & { random: Random },
  ) {
    this.#world = world;
    this.name = name;
    this.agentId = `agent-of-${name}`;
    this.devices = facts.devices;
    this.allowSharing = facts.allowSharing;
    this.peerAddress = facts.peerAddress;
    this.#random = facts.random;
  }

  running(): Container[] {
    return [...this.containers.values()].filter(({ endedAtMs }) => endedAtMs === undefined);
  }

  /** The container runs from now on, until its own end or another's will. */
  start(spec: LaunchSpec): Container {
    const { timeline } = this.#world;
    const name = allocationName(spec.key);
    const container: Container = {
      name,
      spec,
      startedAtMs: timeline.now,
      endedAtMs: undefined,
      end: undefined,
      isStopping: false,
    };
    this.containers.set(name, container);
    this.#world.onContainerStart(this, container);
    const drawnMs = Number(spec.environment["RUN_MS"] ?? 1_000) * (0.5 + this.#random.next());
    const runMs = this.#world.faults.isOver ? Math.min(drawnMs, SHORT_RUN_MS) : drawnMs;
    this.#endLater(container, runMs, Number(spec.environment["EXIT_CODE"] ?? 0));
    return container;
  }

  /** One that was created and never started. */
  create(spec: LaunchSpec): void {
    const name = allocationName(spec.key);
    const end = { kind: "node", message: "the agent was restarted before the container was started" } as const;
    const { now } = this.#world.timeline;
    this.containers.set(name, { name, spec, startedAtMs: undefined, endedAtMs: now, end, isStopping: false });
  }

  /** SIGTERM: it ends in its own time, or does not care. */
  terminate(container: Container): void {
    if (container.endedAtMs !== undefined || container.isStopping) return;
    container.isStopping = true;
    const termMs = Number(container.spec.environment["TERM_MS"] ?? 100);
    this.#endLater(container, termMs, this.#random.next() < 0.2 ? 0 : TERMINATED);
  }

  /** SIGKILL. */
  kill(container: Container): void {
    this.#exit(container, KILLED);
  }

  /** All that ran is gone; of some of it the records stay. */
  reboot(): void {
    this.#boots += 1;
    this.bootId = `boot-${this.#boots}`;
    this.bootedAtMs = this.#world.timeline.now;
    for (const container of this.running()) {
      this.#over(container, { kind: "node", message: "the node was rebooted" });
      if (this.#random.next() < 0.5) this.containers.delete(container.name);
    }
  }

  #endLater(container: Container, ms: number, code: number): void {
    const { timeline } = this.#world;
    const end = timeline.after(ms, undefined, `${this.name}: ${container.name} exits`, () =>
      this.#exit(container, code),
    );
    const before = this.#ends.get(container.name);
    // Whatever comes first.
    if (!before) this.#ends.set(container.name, end);
  }

  #exit(container: Container, exitCode: number): void {
    this.#over(container, { kind: "exited", exitCode, signal: undefined, outOfMemory: false, message: "" });
  }

  #over(container: Container, end: AllocationEnd): void {
    if (container.endedAtMs !== undefined) return;
    container.endedAtMs = this.#world.timeline.now;
    container.end = end;
    this.#ends.get(container.name)?.cancel();
    this.#ends.delete(container.name);
    this.#world.onContainerEnd(this, container);
    this.onEnded?.(container);
  }
}
