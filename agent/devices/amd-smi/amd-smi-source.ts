import { existsSync } from "node:fs";
import { RequestError } from "../../../base/errors.ts";
import type { DeviceLink, DeviceList, DeviceReading, DeviceSource } from "../device-source.ts";
import type { DeviceId } from "../../../base/ids.ts";
import { connectedIslands } from "../islands.ts";
import { numaNodeOf } from "../pci.ts";
import { Program, type ProgramEnd } from "../program.ts";
import { SourceAbsentError } from "../source-absent.ts";
import { entriesByNumber, type ListedGpu, parseList, parseTopology, toDevice, toReading } from "./gpu.ts";
import { find, listOf, textOf } from "./values.ts";

/** It is a program in Python that wakes every GPU. */
const DEADLINE_MS = 10_000;
/** There while the driver is loaded. */
const DRIVER_DEVICE = "/dev/kfd";

/** Reads AMD's devices through the program that comes with their driver. */
export class AmdSmiSource implements DeviceSource {
  readonly name = "amd-smi";
  readonly reason: string;
  readonly cudaVersion = "";
  readonly #program = new Program("amd-smi", DEADLINE_MS);
  #driverVersion = "";
  #gpus: readonly ListedGpu[] = [];
  #static: ReadonlyMap<DeviceId, unknown> = new Map();

  constructor(reason: string) {
    this.reason = reason;
  }

  get driverVersion(): string {
    return this.#driverVersion;
  }

  async list(): Promise<DeviceList> {
    const gpus = parseList(await this.#ask("list"));
    const told = entriesByNumber(await this.#ask("static"));
    this.#gpus = gpus;
    this.#static = new Map(gpus.map(({ number, id }) => [id, told.get(number)]));
    const [first] = told.values();
    this.#driverVersion = textOf(find(first, "driver.version", "driver.driver_version")) ?? this.#driverVersion;
    const links = await this.#links(gpus);
    const islands = connectedIslands(
      gpus.map(({ id }) => id),
      links,
    );
    const devices = gpus.map(async (gpu) => ({
      ...toDevice(gpu, told.get(gpu.number)),
      numaNode: await numaNodeOf(gpu.pciBusId),
      island: islands.get(gpu.id),
    }));
    return { devices: await Promise.all(devices), links, lost: [] };
  }

  async read(): Promise<readonly DeviceReading[]> {
    if (this.#gpus.length === 0) return [];
    const [metric, processes] = await Promise.all([
      this.#ask("metric"),
      // Some versions need more permissions for this one.
      this.#ask("process").catch(() => undefined),
    ]);
    const metrics = entriesByNumber(metric);
    // The tool numbers anew what is left when one is gone: until that is known, nothing is anybody's.
    if (metrics.size !== this.#gpus.length) this.#gpus = parseList(await this.#ask("list"));
    if (metrics.size !== this.#gpus.length) return [];
    const running = entriesByNumber(processes);
    return this.#gpus.flatMap(({ number, id }) => {
      const told = metrics.get(number);
      return told === undefined ? [] : toReading(id, told, running.get(number), this.#static.get(id));
    });
  }

  /** AMD's driver numbers no faults. */
  events(): readonly [] {
    return [];
  }

  async close(): Promise<void> {
    await this.#program.close();
  }

  async #links(gpus: readonly ListedGpu[]): Promise<readonly DeviceLink[]> {
    if (gpus.length < 2) return [];
    return parseTopology(await this.#ask("topology").catch(() => undefined), gpus);
  }

  async #ask(question: string): Promise<unknown> {
    const end = await this.#program.run(question, "--json");
    const json = parseLenient(end.stdout);
    if (json === undefined || (end.exitCode !== 0 && listOf(json).length === 0)) throw failureOf(question, end);
    return json;
  }
}

/** Some versions say something before. */
function parseLenient(text: string): unknown {
  const begin = text.search(/[[{]/);
  if (begin < 0) return undefined;
  try {
    return JSON.parse(text.slice(begin));
  } catch {
    return undefined;
  }
}

function failureOf(question: string, { stdout, stderr, exitCode }: ProgramEnd): RequestError {
  const said = `${stderr}\n${stdout}`.trim().split("\n").at(-1)?.trim().slice(0, 500) || "it said nothing";
  const sentence = `amd-smi ${question} failed with exit code ${exitCode}: ${said}`;
  return existsSync(DRIVER_DEVICE)
    ? new RequestError("unavailable", sentence)
    : new SourceAbsentError("unavailable", `${sentence} (no driver is loaded: there is no ${DRIVER_DEVICE})`);
}
