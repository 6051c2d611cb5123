import { exponentialBackoffMs } from "../../../base/backoff.ts";
import { messageOf, RequestError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import {
  type DeviceEvent,
  type DeviceList,
  type DeviceReading,
  type DeviceSource,
  UNTOLD_DEVICE,
  UNTOLD_READING,
} from "../device-source.ts";
import { withUntold } from "../driver-gpus.ts";
import { connectedIslands } from "../islands.ts";
import { numaNodeOf } from "../pci.ts";
import { SourceAbsentError } from "../source-absent.ts";
import { driverSchema, listSchema, momentSchema, type NvmlCall } from "./messages.ts";
import { WorkerProcess } from "./worker-process.ts";

/** As the dynamic loader finds it. */
export const NVML_LIBRARY = "libnvidia-ml.so.1";

/** Without a persistence daemon the driver wakes every GPU first. */
const OPEN_DEADLINE_MS = 15_000;
const CALL_DEADLINE_MS = 2_000;
const RESTART_BASE_MS = 1_000;
const RESTART_MAX_MS = 60_000;
/** The library knows the GPUs that there were when it was opened: one that was lost comes back only to a new one. */
const REOPEN_WITH_LOST_MS = 60_000;
/** Faults that nobody has asked for. */
const MAX_EVENTS = 1_024;

/** Reads devices through NVML, in a process that is killed and started anew when the driver hangs or crashes it. */
export class NvmlSource implements DeviceSource {
  readonly name = "nvml";
  readonly #log: Logger;
  readonly #libraryPath = process.env.GPUSCHED_NVML_LIBRARY ?? NVML_LIBRARY;
  #driver = { driverVersion: "", cudaVersion: "" };
  #worker: WorkerProcess | undefined;
  #isOpen = false;
  #isClosed = false;
  /** Calls, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #failures = 0;
  #lastFailure = "";
  #retryAtMs = 0;
  #reopenAtMs = Number.POSITIVE_INFINITY;
  #events: DeviceEvent[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  get reason(): string {
    return this.#isOpen ? "NVML answers" : `NVML is installed, but: ${this.#lastFailure}`;
  }

  get driverVersion(): string {
    return this.#driver.driverVersion;
  }

  get cudaVersion(): string {
    return this.#driver.cudaVersion;
  }

  async list(): Promise<DeviceList> {
    const { devices, links, lost } = listSchema.parse(await this.#call("list"));
    if (lost.length === 0) this.#reopenAtMs = Number.POSITIVE_INFINITY;
    else if (this.#reopenAtMs === Number.POSITIVE_INFINITY) this.#reopenAtMs = performance.now() + REOPEN_WITH_LOST_MS;
    const islands = connectedIslands(
      devices.map(({ id }) => id),
      links,
    );
    return withUntold({
      devices: await Promise.all(
        devices.map(async (device) => {
          const numaNode = await numaNodeOf(device.pciBusId);
          return { ...UNTOLD_DEVICE, ...device, numaNode, island: islands.get(device.id) };
        }),
      ),
      links,
      lost: lost.map(({ id, pciBusId, why, isUncut }) => ({ id, pciBusId, why, isUncut })),
    });
  }

  async read(): Promise<readonly DeviceReading[]> {
    const { readings, events } = momentSchema.parse(await this.#call("read"));
    const atMs = Date.now();
    for (const { id: deviceId, pciBusId, xid } of events)
      this.#events.push({ deviceId, pciBusId, xid, atMs, message: "" });
    this.#events = this.#events.slice(-MAX_EVENTS);
    return readings.map((reading) => ({ ...UNTOLD_READING, ...reading }));
  }

  events(): readonly DeviceEvent[] {
    return this.#events.splice(0);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.close();
    await this.#turn;
  }

  #call(call: NvmlCall): Promise<unknown> {
    const result = this.#turn.then(() => this.#callNow(call));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #callNow(call: NvmlCall): Promise<unknown> {
    if (performance.now() >= this.#reopenAtMs) {
      this.#reopenAtMs = Number.POSITIVE_INFINITY;
      await this.#worker?.close();
    }
    const worker = await this.#openWorker();
    try {
      const value = await worker.call(call, CALL_DEADLINE_MS);
      this.#failures = 0;
      return value;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #openWorker(): Promise<WorkerProcess> {
    if (this.#isClosed) throw new RequestError("unavailable", "NVML is closed");
    if (this.#worker && this.#isOpen && !this.#worker.hasExited) return this.#worker;
    if (performance.now() < this.#retryAtMs) throw new RequestError("unavailable", this.#lastFailure);
    if (this.#worker && !this.#worker.hasExited) {
      throw new RequestError(
        "unavailable",
        `NVML does not let go of process ${this.#worker.pid}: ${this.#lastFailure}`,
      );
    }
    this.#isOpen = false;
    this.#worker = new WorkerProcess(this.#libraryPath);
    try {
      this.#driver = driverSchema.parse(await this.#worker.call("open", OPEN_DEADLINE_MS));
      this.#isOpen = true;
      return this.#worker;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): unknown {
    this.#isOpen = false;
    this.#lastFailure = messageOf(error);
    const pauseMs = exponentialBackoffMs(this.#failures, RESTART_BASE_MS, RESTART_MAX_MS);
    this.#retryAtMs = performance.now() + pauseMs;
    this.#failures += 1;
    const isExpected = this.#isClosed || error instanceof SourceAbsentError;
    this.#log[isExpected ? "debug" : "warn"]({ reason: this.#lastFailure, pauseMs }, "NVML failed");
    return error;
  }
}
