import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDockerExecutor, type DockerExecutorOptions } from "../../agent/executor/docker/docker-executor.ts";
import type { ImageSettings } from "../../agent/executor/docker/images/image-store.ts";
import type { Executor, LaunchSpec, ReadLogOptions } from "../../agent/executor/executor.ts";
import { DEFAULT_CONTAINER_POLICY } from "../../agent/policy/container-policy.ts";
import { type AllocationKey, allocationName } from "../../base/ids.ts";
import { silentLogger } from "../../base/logger.ts";
import { DAY_MS } from "../../base/time.ts";
import { AllocationLog, type EndedAllocation, launchSpec } from "./allocation-log.ts";
import { type DockerEngine, type DockerEngineOptions, startDockerEngine, TEST_IMAGE } from "./docker-engine.ts";

/** What an agent has when its operator says nothing of images, except that no room is asked of the disk. */
export const IMAGE_SETTINGS: ImageSettings = {
  registryAuth: undefined,
  pullStallMs: 300_000,
  maxPulls: 3,
  keepImagesForMs: 14 * DAY_MS,
  minFreeDisk: { bytes: undefined, share: undefined },
};

/** A real engine, and executors on it that tell one log what happens. */
export class DockerExecutorWorld {
  readonly engine: DockerEngine;
  readonly dataDir: string;
  readonly log = new AllocationLog();
  readonly #executors = new Set<Executor>();

  private constructor(engine: DockerEngine, dataDir: string) {
    this.engine = engine;
    this.dataDir = dataDir;
  }

  static async start(options: DockerEngineOptions): Promise<DockerExecutorWorld> {
    const engine = await startDockerEngine(options);
    return new DockerExecutorWorld(engine, await mkdtemp(join(tmpdir(), "gpusched-docker-")));
  }

  /** An executor of the agent `agent-a` with simulated devices, unless something else is given. */
  async executor(given: Partial<DockerExecutorOptions> = {}): Promise<Executor> {
    const executor = await createDockerExecutor({
      socketPath: this.engine.socketPath,
      nodeName: "node-a",
      agentId: "agent-a",
      dataDir: this.dataDir,
      runtime: undefined,
      gpuGrant: "auto",
      // The registries of tests answer on loopback.
      policy: { ...DEFAULT_CONTAINER_POLICY, registries: ["docker.io", "127.0.0.1"] },
      reserved: [],
      simulated: true,
      devices: { name: "simulated", list: async () => ({ devices: [], links: [], lost: [] }) },
      images: IMAGE_SETTINGS,
      log: silentLogger,
      onChange: this.log.listener,
      ...given,
    });
    this.#executors.add(executor);
    return executor;
  }

  async runToEnd(spec: LaunchSpec, on: Executor): Promise<EndedAllocation> {
    on.launch(spec);
    return await this.log.untilEnded(spec.key);
  }

  /** How many containers the engine has for the allocation. */
  async containersOf(key: AllocationKey): Promise<number> {
    const filters = { name: [containerNameOf(key)] };
    return (await this.engine.docker.listContainers({ all: true, filters })).length;
  }

  async close(): Promise<void> {
    for (const executor of this.#executors) await executor.close();
    await this.engine.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

export function containerNameOf(key: AllocationKey): string {
  return `gpusched-${allocationName(key)}`;
}

/** A job in the test image. */
export function job(script: string | undefined, given: Parameters<typeof launchSpec>[0] = {}): LaunchSpec {
  return launchSpec({ image: TEST_IMAGE, script, ...given });
}

/** How to read all there is, with a deadline for it. */
export function reading(given: Partial<ReadLogOptions> = {}): ReadLogOptions {
  const signal = AbortSignal.timeout(60_000);
  return { follow: false, tailLines: undefined, stream: undefined, signal, ...given };
}
