import { RequestError } from "../../../base/errors.ts";
import { withUntold } from "../driver-gpus.ts";
import { connectedIslands } from "../islands.ts";
import type { DeviceLink, DeviceList, DeviceReading, DeviceSource } from "../device-source.ts";
import { numaNodeOf } from "../pci.ts";
import { Program, type ProgramEnd } from "../program.ts";
import { SourceAbsentError } from "../source-absent.ts";
import { type ListedSlice, parseListing, parseTopology } from "./listing.ts";
import { parseReport, type Report } from "./report.ts";

/** Without a persistence daemon the driver wakes every GPU for each call. */
const DEADLINE_MS = 10_000;

/** What its exit codes mean where they are not only about the question. */
const EXIT_CODES: Readonly<Record<number, string>> = {
  4: "it has no permission",
  8: "a GPU lacks power cables",
  9: "the driver is not loaded",
  10: "the kernel has trouble with a GPU's interrupts",
  12: "the driver's library NVML was not found",
  13: "the driver's library NVML lacks a function",
  14: "a GPU's infoROM is corrupted",
  15: "a GPU has fallen off the bus or cannot be reached",
};
/** A driver that is not there can come later, and is no GPU out of order. */
const ABSENT_CODES = [9, 12];

/** Reads devices through the program that comes with every driver, as it tells them in XML. */
export class NvidiaSmiSource implements DeviceSource {
  readonly name = "nvidia-smi";
  readonly reason: string;
  readonly #program = new Program("nvidia-smi", DEADLINE_MS);
  #versions = { driverVersion: "", cudaVersion: "" };
  /** Whoever asks meanwhile gets the same answer: one that cannot be killed is never joined by another. */
  #running: Promise<Report> | undefined;
  #slices: readonly ListedSlice[] = [];

  constructor(reason: string) {
    this.reason = reason;
  }

  get driverVersion(): string {
    return this.#versions.driverVersion;
  }

  get cudaVersion(): string {
    return this.#versions.cudaVersion;
  }

  async list(): Promise<DeviceList> {
    const report = await this.#query();
    const links = await this.#links(report);
    const devices = report.gpus.flatMap((gpu) => gpu.devices);
    const islands = connectedIslands(
      devices.map(({ id }) => id),
      links,
    );
    return withUntold({
      devices: await Promise.all(
        devices.map(async (device) => ({
          ...device,
          numaNode: await numaNodeOf(device.pciBusId),
          island: islands.get(device.id),
        })),
      ),
      links,
      lost: report.lost,
    });
  }

  async read(): Promise<readonly DeviceReading[]> {
    return (await this.#query()).gpus.flatMap((gpu) => gpu.readings);
  }

  /** It tells of no faults. */
  events(): readonly [] {
    return [];
  }

  async close(): Promise<void> {
    await this.#program.close();
  }

  #query(): Promise<Report> {
    this.#running ??= this.#ask().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #ask(): Promise<Report> {
    const end = await this.#program.run("-q", "-x");
    const said = `${end.stdout}\n${end.stderr}`;
    let report = parseReport(said, this.#slices);
    // With a lost GPU it fails, and may tell of the others all the same.
    if (report.gpus.length === 0 && report.lost.length === 0 && end.exitCode !== 0) throw failureOf(end);
    if (report.gpus.some(({ isCut }) => isCut)) {
      this.#slices = parseListing((await this.#program.run("-L")).stdout);
      report = parseReport(said, this.#slices);
    }
    const { driverVersion, cudaVersion } = report;
    this.#versions = {
      driverVersion: driverVersion || this.driverVersion,
      cudaVersion: cudaVersion || this.cudaVersion,
    };
    return report;
  }

  /** Slices have none. With a lost GPU its table is not of those that answer. */
  async #links({ gpus, lost }: Report): Promise<readonly DeviceLink[]> {
    const whole = gpus.filter(({ isCut }) => !isCut);
    if (whole.length < 2 || lost.length > 0) return [];
    const { stdout, exitCode } = await this.#program.run("topo", "-m");
    const links =
      exitCode === 0
        ? parseTopology(
            stdout,
            gpus.map(({ id }) => id),
          )
        : [];
    const ids = new Set(whole.map(({ id }) => id));
    return links.filter(({ a, b }) => ids.has(a) && ids.has(b));
  }
}

function failureOf({ stdout, stderr, exitCode }: ProgramEnd): RequestError {
  const said = `${stdout}\n${stderr}`.trim().split("\n")[0]?.slice(0, 500) ?? "";
  const meaning = EXIT_CODES[exitCode];
  const why = [meaning, said].filter(Boolean).join(": ") || "it said nothing";
  const sentence = `nvidia-smi failed with exit code ${exitCode}: ${why}`;
  // Code 6 is "no devices were found".
  if (ABSENT_CODES.includes(exitCode) || /no devices were found/i.test(said))
    return new SourceAbsentError("unavailable", sentence);
  return new RequestError("unavailable", sentence);
}
