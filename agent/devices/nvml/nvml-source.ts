import { exponentialBackoffMs } from "../../../base/backoff.ts";
import { messageOf, RequestError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import {
  type DeviceList,
  type DeviceReading,
  type DeviceSource,
  UNTOLD_DEVICE,
  UNTOLD_READING,
} from "../device-source.ts";
import { driverSchema, listSchema, type NvmlCall, readingsSchema } from "./messages.ts";
import { NvmlAbsentError, WorkerProcess } from "./worker-process.ts";

const LIBRARY = "libnvidia-ml.so.1";

/** Without a persistence daemon the driver wakes every GPU first. */
const OPEN_DEADLINE_MS = 15_000;
const CALL_DEADLINE_MS = 2_000;
const RESTART_BASE_MS = 1_000;
const RESTART_MAX_MS = 60_000;

/** Reads devices through NVML, in a process that is killed and started anew when the driver hangs or crashes it. */
export class NvmlSource implements DeviceSource {
  readonly name = "nvml";
  readonly cudaVersion = "";
  readonly #log: Logger;
  readonly #libraryPath = process.env.GPUSCHED_NVML_LIBRARY ?? LIBRARY;
  #driverVersion = "";
  #worker: WorkerProcess | undefined;
  #isOpen = false;
  #isClosed = false;
  /** Calls, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #failures = 0;
  #lastFailure = "";
  #retryAtMs = 0;
  #lost = "";

  constructor(log: Logger) {
    this.#log = log;
  }

  get reason(): string {
    return this.#isOpen ? "NVML answers" : `NVML is installed, but: ${this.#lastFailure}`;
  }

  get driverVersion(): string {
    return this.#driverVersion;
  }

  async list(): Promise<DeviceList> {
    const { devices, lost } = listSchema.parse(await this.#call("list"));
    this.#noteLost(lost.join("; "));
    if (devices.length === 0 && lost.length > 0) throw new RequestError("unavailable", lost.join("; "));
    return { devices: devices.map((device) => ({ ...UNTOLD_DEVICE, ...device })), links: [], lost: [] };
  }

  events(): readonly [] {
    return [];
  }

  async read(): Promise<readonly DeviceReading[]> {
    const readings = readingsSchema.parse(await this.#call("read"));
    return readings.map((reading) => ({ ...UNTOLD_READING, ...reading }));
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
      const opened = driverSchema.parse(await this.#worker.call("open", OPEN_DEADLINE_MS));
      this.#driverVersion = opened.driverVersion;
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
    const isExpected = this.#isClosed || error instanceof NvmlAbsentError;
    this.#log[isExpected ? "debug" : "warn"]({ reason: this.#lastFailure, pauseMs }, "NVML failed");
    return error;
  }

  #noteLost(lost: string): void {
    if (lost !== "" && lost !== this.#lost) this.#log.error({ lost }, "a GPU is lost");
    this.#lost = lost;
  }
}
