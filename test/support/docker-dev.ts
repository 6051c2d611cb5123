/** `gpusched dev` on a real Docker Engine: jobs go in through REST, and what becomes of them is looked at on both sides. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerInfo } from "dockerode";
import { type DevProcess, startDev } from "./dev-process.ts";
import {
  type DockerEngine,
  type DockerEngineOptions,
  type RecordedContainer,
  startDockerEngine,
  TEST_IMAGE,
} from "./docker-engine.ts";
import { type JobStatus, RestClient } from "./rest-client.ts";

const WITHIN_MS = 150_000;
const POLL_MS = 50;
/** A script's part that runs until {@link DockerDev.tell}. */
export const UNTIL_TOLD = "while [ ! -e /tmp/go ]; do sleep 0.05; done";

export interface DockerDevOptions {
  readonly engine?: DockerEngineOptions;
  /** An engine of another's, which is then left alone. */
  readonly on?: DockerEngine;
  readonly flags?: readonly string[];
}

/** One data directory, and at most one `gpusched dev` on it at a time. */
export class DockerDev {
  readonly engine: DockerEngine;
  readonly #dataDir: string;
  readonly #options: DockerDevOptions;
  #dev: DevProcess | undefined;

  private constructor(engine: DockerEngine, dataDir: string, options: DockerDevOptions) {
    this.engine = engine;
    this.#dataDir = dataDir;
    this.#options = options;
  }

  static async start(options: DockerDevOptions): Promise<DockerDev> {
    const engine = options.on ?? (await startDockerEngine(options.engine));
    const dataDir = await realpath(await mkdtemp(join(tmpdir(), "gpusched-docker-dev-")));
    const world = new DockerDev(engine, dataDir, options);
    try {
      await world.startDev();
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  get dev(): DevProcess {
    if (!this.#dev) throw new Error("gpusched dev has not been started");
    return this.#dev;
  }

  /** Once more on the same data directory; the one before must have ended. */
  async startDev(): Promise<void> {
    const docker = ["--executor", "docker", "--docker-socket", this.engine.socketPath, "--simulate-gpus", "4"];
    const pace = ["--heartbeat", "1s", "--rate-limit", "100000"];
    const flags = [...docker, ...pace, ...(this.#options.flags ?? [])];
    this.#dev = await startDev({ dataDir: this.#dataDir, flags });
  }

  /** The API of the program that runs now. */
  get rest(): RestClient {
    return new RestClient(this.dev.url);
  }

  /** Submits a job without GPUs in the test image, unless something else is given; returns its id. */
  async submit(fields: object): Promise<string> {
    const defaults = { tenant_id: "tenant-123", name: "job", gpu_count: 0, memory_mb: 64, image: TEST_IMAGE };
    return await this.rest.submit({ ...defaults, ...fields });
  }

  async untilRunning(id: string): Promise<JobStatus> {
    return await this.rest.jobWhen(id, ({ state }) => state !== "pending");
  }

  /** How it ended. */
  async untilOver(id: string): Promise<JobStatus> {
    return await this.rest.jobWhen(id, ({ phase }) => phase === "finished");
  }

  async run(fields: object): Promise<JobStatus> {
    return await this.untilOver(await this.submit(fields));
  }

  async log(id: string): Promise<string> {
    return await this.rest.text("GET", `/jobs/${id}/logs`);
  }

  async untilLogged(id: string, text: string): Promise<void> {
    await eventually(`${id} wrote ${text}`, async () => (await this.log(id)).includes(text));
  }

  /** Every container that the engine has of the job, or of any job. */
  async containers(id?: string): Promise<ContainerInfo[]> {
    const label = [id === undefined ? "gpusched.job" : `gpusched.job=${id}`];
    return await this.engine.docker.listContainers({ all: true, filters: { label } });
  }

  /** The job's only container. */
  async containerId(id: string): Promise<string> {
    const [container, ...others] = await this.containers(id);
    if (!container || others.length > 0) throw new Error(`${id} has ${others.length + (container ? 1 : 0)} containers`);
    return container.Id;
  }

  /** What NVIDIA's runtime was given for the job; it is not asked for jobs without GPUs. */
  async recorded(id: string): Promise<readonly RecordedContainer["config"][]> {
    const all = await this.engine.recorded();
    return all.map(({ config }) => config).filter(({ process }) => process.env.includes(`GPUSCHED_JOB_ID=${id}`));
  }

  /** Ends the job's {@link UNTIL_TOLD}. */
  async tell(id: string): Promise<void> {
    const container = this.engine.docker.getContainer(await this.containerId(id));
    const exec = await container.exec({ Cmd: ["touch", "/tmp/go"] });
    await exec.start({ Detach: true });
  }

  /** Nothing is left of the job on the engine. */
  async untilCleared(id: string): Promise<void> {
    await eventually(`${id} has no container`, async () => (await this.containers(id)).length === 0);
  }

  /** Every job has ended, no container of any is left, and every GPU is free. */
  async untilIdle(): Promise<void> {
    await eventually("nothing is left and everything is free", async () => {
      const status = await this.rest.json<Record<string, unknown>>("GET", "/cluster/status");
      const hasNoWork = status["pending_jobs"] === 0 && status["running_jobs"] === 0;
      const isFree = status["total_gpus"] === 4 && status["available_gpus"] === 4;
      return hasNoWork && isFree && (await this.containers()).length === 0;
    });
  }

  async close(): Promise<void> {
    await this.#dev?.close();
    if (!this.#options.on) await this.engine.stop();
    await rm(this.#dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Waits for a condition; the name is for the complaint that it never held. */
export async function eventually(name: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const until = performance.now() + WITHIN_MS; performance.now() < until; await sleep(POLL_MS)) {
    if (await condition()) return;
  }
  throw new Error(`never came true: ${name}`);
}
