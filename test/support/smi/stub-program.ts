/** Stubs of the programs that come with drivers: what they answer is as the test says, and may change at any moment. */
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { StubGpu } from "../nvml/stub-nvml.ts";
import { nvidiaSmiListing, nvidiaSmiXml, type XmlDriver } from "./nvidia-smi-xml.ts";

export interface StubAnswer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitCode?: number;
  /** It never ends by itself. */
  readonly hangs?: boolean;
}

/** A directory with a program in it, for `PATH`. What it is not told to answer it refuses with exit code 2. */
export class StubProgram {
  readonly #name: string;
  readonly #directory: string;

  private constructor(name: string, directory: string) {
    this.#name = name;
    this.#directory = directory;
  }

  /** Without installing it: see {@link install}. */
  static async create(name: "nvidia-smi" | "amd-smi"): Promise<StubProgram> {
    const directory = await mkdtemp(join(tmpdir(), `stub-${name}-`));
    await mkdir(join(directory, "bin"));
    await mkdir(join(directory, "answers"));
    return new StubProgram(name, directory);
  }

  /** A `PATH` that begins with the program's. */
  path(before = process.env.PATH ?? ""): string {
    return `${join(this.#directory, "bin")}${delimiter}${before}`;
  }

  /** Where the process id of the one that runs last is written. */
  get pidFile(): string {
    return join(this.#directory, "pid");
  }

  async install(): Promise<void> {
    const script = `#!/bin/sh
echo $$ > '${this.pidFile}'
dir='${join(this.#directory, "answers")}'
name=$(echo "$*" | tr ' ' '_')
[ -e "$dir/$name" ] || { echo "unknown: $*" >&2; exit 2; }
. "$dir/$name"
`;
    const path = join(this.#directory, "bin", this.#name);
    await writeFile(`${path}.new`, script);
    await chmod(`${path}.new`, 0o755);
    await rename(`${path}.new`, path);
  }

  async uninstall(): Promise<void> {
    await rm(join(this.#directory, "bin", this.#name), { force: true });
  }

  /** What it says from now on to a question, its arguments with blanks between them. */
  async answer(question: string, answer: StubAnswer | string): Promise<void> {
    const {
      stdout = "",
      stderr = "",
      exitCode = 0,
      hangs = false,
    } = typeof answer === "string" ? { stdout: answer } : answer;
    const path = join(this.#directory, "answers", question.replaceAll(" ", "_"));
    await writeFile(`${path}.out`, stdout);
    await writeFile(`${path}.err`, stderr);
    const end = hangs ? "exec sleep 600" : `exit ${exitCode}`;
    await writeFile(`${path}.new`, `cat "$dir/$name.out"\ncat "$dir/$name.err" >&2\n${end}\n`);
    await rename(`${path}.new`, path);
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** An nvidia-smi that tells of these GPUs in all the ways that it is asked. */
export async function tellNvidiaSmi(program: StubProgram, driver: XmlDriver): Promise<void> {
  await program.answer("-q -x", nvidiaSmiXml(driver));
  await program.answer("-L", nvidiaSmiListing(driver.gpus));
  await program.answer("topo -m", { exitCode: 1 });
}

/** An amd-smi that tells of these GPUs as its newest versions do. */
export async function tellAmdSmi(program: StubProgram, gpus: readonly StubGpu[]): Promise<void> {
  const measure = (value: number | undefined, unit: string) => (value === undefined ? "N/A" : { value, unit });
  const data = (entry: (gpu: StubGpu) => object) =>
    JSON.stringify({ gpu_data: gpus.map((gpu, at) => ({ gpu: at, ...entry(gpu) })) });
  await program.answer(
    "list --json",
    JSON.stringify(gpus.map((gpu, at) => ({ gpu: at, bdf: gpu.pciBusId, uuid: gpu.uuid }))),
  );
  await program.answer(
    "static --json",
    data((gpu) => ({
      asic: { market_name: gpu.model },
      driver: { name: "amdgpu", version: "6.16.6" },
      vram: { size: measure(gpu.memoryMb, "MB") },
      limit: {
        ppt0: { socket_power_limit: measure(gpu.powerLimitW, "W") },
        slowdown_hotspot_temperature: measure(gpu.slowdownC, "C"),
      },
      ras: { ecc_block_state: { UMC: gpu.eccEnabled === true ? "ENABLED" : "DISABLED" } },
    })),
  );
  await program.answer(
    "metric --json",
    data((gpu) => ({
      usage: {
        gfx_activity: measure(gpu.utilizationPercent, "%"),
        umc_activity: measure(gpu.memoryUtilizationPercent, "%"),
      },
      power: { socket_power: measure(gpu.powerW, "W") },
      clock: { gfx_0: { clk: measure(gpu.clockMhz, "MHz") }, mem_0: { clk: measure(gpu.memoryClockMhz, "MHz") } },
      temperature: { edge: "N/A", hotspot: measure(gpu.temperatureC, "C") },
      ecc: { total_correctable_count: gpu.eccCorrected, total_uncorrectable_count: gpu.eccUncorrected },
      mem_usage: { used_vram: measure(gpu.memoryUsedMb, "MB") },
      energy: { total_energy_consumption: measure(gpu.energyJ, "J") },
      throttle: { socket_thermal_violation_status: gpu.isThrottling === true ? "ACTIVE" : "NOT ACTIVE" },
    })),
  );
  const processes = gpus.map((gpu, at) => ({
    gpu: at,
    process_list: (gpu.processes ?? []).map(({ pid, memoryMb }) => ({
      process_info: { name: "python3", pid, memory_usage: { vram_mem: measure(memoryMb, "MB") } },
    })),
  }));
  await program.answer("process --json", JSON.stringify(processes));
}
