import { delay } from "../../../base/abort.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { AllocationEnd } from "../executor.ts";
import type { Allocation } from "./allocation.ts";
import type { EngineClient } from "./engine-client.ts";
import { SCRATCH_ROOT } from "./scratch.ts";

const MIB = 1024 * 1024;

export interface ScratchWatchOptions {
  readonly engine: Pick<EngineClient, "inspect" | "volumeSizes">;
  /** What a scratch directory may hold. */
  readonly limitMb: number;
  /** The engine counts files for it. */
  readonly everyMs: number;
  readonly closing: AbortSignal;
  readonly log: Logger;
  allocations(): readonly Allocation[];
  /** Ends it at once; that is why it has ended. */
  end(allocation: Allocation, why: AllocationEnd): void;
}

/** Ends what fills its host's disk through its scratch directory. Ends when `closing` aborts. */
export async function watchScratch(options: ScratchWatchOptions): Promise<void> {
  const { everyMs, closing, log } = options;
  const volumes = new WeakMap<Allocation, string>();
  while (!closing.aborted) {
    await delay(everyMs, closing);
    try {
      if (!closing.aborted) await look(options, volumes);
    } catch (error) {
      log.warn({ problem: messageOf(error) }, "the sizes of scratch directories are not known");
    }
  }
}

async function look(options: ScratchWatchOptions, volumes: WeakMap<Allocation, string>): Promise<void> {
  const { engine, limitMb, allocations, end } = options;
  const running = allocations().filter((it) => it.state.phase === "running" && !it.stopSignal.aborted);
  if (running.length === 0) return;
  const sizes = await engine.volumeSizes();
  for (const allocation of running) {
    const volume = volumes.get(allocation) ?? (await scratchOf(engine, allocation));
    volumes.set(allocation, volume);
    const sizeMb = Math.floor((sizes.get(volume) ?? 0) / MIB);
    if (sizeMb <= limitMb || allocation.hasEnded) continue;
    end(allocation, {
      kind: "bad-request",
      message: `its scratch directory held ${sizeMb} MB, and may hold ${limitMb} MB on this node`,
    });
  }
}

/** The name that the engine has given to the volume; empty where it cannot be told. */
async function scratchOf(engine: ScratchWatchOptions["engine"], { containerName }: Allocation): Promise<string> {
  const details = await engine.inspect(containerName);
  return details?.Mounts.find(({ Destination }) => Destination === SCRATCH_ROOT)?.Name ?? "";
}
