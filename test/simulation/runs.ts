import type { Device } from "../../agent/devices/device-source.ts";
import type { Container } from "./container.ts";

/** A container's one life, from its start to its end. */
interface Run {
  readonly host: string;
  readonly container: Container;
  isRunning: boolean;
  exitCode: number | undefined;
  /** It ended because it was asked to, as far as anybody can tell. */
  wasStopped: boolean;
}

const WHOLE_DEVICE = 1_000;

/** Where it ran. */
interface Host {
  readonly name: string;
  readonly devices: readonly Device[];
}

/** What really ran, anywhere: checked whenever something starts. */
export class Runs {
  readonly #runs = new Map<string, Run>();
  readonly #violate: (what: string) => void;

  constructor(violate: (what: string) => void) {
    this.#violate = violate;
  }

  get(name: string): Run | undefined {
    return this.#runs.get(name);
  }

  running(): Run[] {
    return [...this.#runs.values()].filter(({ isRunning }) => isRunning);
  }

  onStart(host: Host, container: Container): void {
    const { name, spec } = container;
    if (this.#runs.has(name)) this.#violate(`${name} is started a second time, on ${host.name}`);
    for (const { container: other, host: where } of this.running()) {
      if (other.spec.key.jobId === spec.key.jobId && other.spec.key.attempt !== spec.key.attempt) {
        this.#violate(`${name} starts on ${host.name} while ${other.name} runs on ${where}`);
      }
    }
    this.#runs.set(name, { host: host.name, container, isRunning: true, exitCode: undefined, wasStopped: false });
    this.#checkDevices(host, container);
  }

  onEnd({ name, end, isStopping }: Container): void {
    const run = this.#runs.get(name);
    if (!run) return;
    run.isRunning = false;
    run.wasStopped = isStopping;
    run.exitCode = end?.kind === "exited" ? end.exitCode : undefined;
  }

  #checkDevices(host: Host, { name, spec }: Container): void {
    const taken = new Map<string, number>();
    for (const { container, host: where } of this.running()) {
      if (where !== host.name) continue;
      const { deviceIds, gpuMilli = WHOLE_DEVICE } = container.spec;
      for (const id of deviceIds) taken.set(id, (taken.get(id) ?? 0) + gpuMilli);
    }
    for (const id of spec.deviceIds) {
      if ((taken.get(id) ?? 0) > WHOLE_DEVICE) this.#violate(`${name} starts on ${id}, which others hold`);
      if (!host.devices.some((device) => device.id === id))
        this.#violate(`${name} starts on ${id}, which is not there`);
    }
  }
}
