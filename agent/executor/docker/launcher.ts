import { delay } from "../../../base/abort.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { ContainerPolicy } from "../../policy/container-policy.ts";
import type { VolumeRules, ResolvedVolume } from "../../volumes/resolve.ts";
import { argvOf } from "../argv.ts";
import type { AllocationEnd, LaunchSpec } from "../executor.ts";
import type { Allocation } from "./allocation.ts";
import { allow, imageFault } from "./allow.ts";
import type { HostFacts } from "./container-options.ts";
import type { Discards } from "./discards.ts";
import { type ContainerDetails, type EngineClient, EngineError, isMissing, isUnanswered } from "./engine-client.ts";
import { startFailure } from "./failures.ts";
import { grantProblem } from "./gpu-grant.ts";
import type { ImageStore } from "./images/image-store.ts";
import { parseLabels } from "./labels.ts";
import { SCRATCH_ROOT, scratchArchive } from "./scratch.ts";
import { Slots } from "./slots.ts";
import type { TenantNetworks } from "./tenant-networks.ts";
import { checkMounted, lookAtVolumes } from "./volume-check.ts";

/** Containers created and started at once: more only makes each slower, until deadlines pass. */
const MAX_STARTING = 8;
const RETRY_MS = 1_000;
const TAKEN_NAME_WITHIN_MS = 30_000;
/** An image may be removed before its container is created: it is provided so many times. */
const MAX_PROVISIONS = 3;

const STOPPED_BEFORE: AllocationEnd = { kind: "node", message: "stopped before it started" };

export interface LauncherOptions {
  readonly engine: Pick<EngineClient, "create" | "start" | "inspect" | "remove" | "unpack">;
  readonly images: Pick<ImageStore, "provide" | "wanting">;
  readonly networks: Pick<TenantNetworks, "using" | "provide">;
  readonly discards: Discards;
  readonly closing: AbortSignal;
  readonly log: Logger;
  readonly policy: ContainerPolicy;
  host(): Promise<HostFacts>;
  volumeRules(): Promise<VolumeRules>;
  /** Takes the container's present state into the allocation; false while it was not yet started. */
  observe(allocation: Allocation): Promise<boolean>;
}

/** Brings an allocation from its launch to a running container, or to an end that says why not. */
export class Launcher {
  readonly #options: LauncherOptions;
  readonly #slots = new Slots(MAX_STARTING);

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /** Never rejects. When it is done, the allocation runs or has ended, unless the executor is closing. */
  async launch(allocation: Allocation, spec: LaunchSpec): Promise<void> {
    const { log, closing } = this.#options;
    allocation.isLaunching = true;
    try {
      const end = await this.#bringUp(allocation, spec);
      if (end !== undefined && !closing.aborted) allocation.neverRan(end);
    } catch (error) {
      log.error({ err: error, allocation: allocation.name }, "launch failed unexpectedly");
      await this.#options.discards.remove(allocation.containerName);
      allocation.neverRan({ kind: "node", message: "the node could not start it: internal error" });
    } finally {
      allocation.isLaunching = false;
    }
  }

  async #bringUp(allocation: Allocation, spec: LaunchSpec): Promise<AllocationEnd | undefined> {
    const { image = "", volumes = [] } = spec;
    const fault = imageFault(spec.image, this.#options);
    if (fault !== undefined) return { kind: "bad-request", message: fault };
    // Before anything is pulled, and for the user's sake; what counts is what is seen just before the container is made.
    const early = volumes.length === 0 ? undefined : await this.#lookAtVolumes(spec);
    if (early?.kind === "refused") return early.end;
    return await this.#options.images.wanting(image, () => this.#bringUpWith(allocation, spec, image));
  }

  async #bringUpWith(allocation: Allocation, spec: LaunchSpec, image: string): Promise<AllocationEnd | undefined> {
    for (let provisions = 1; ; provisions += 1) {
      const failure = await this.#provideImage(allocation, image);
      if (failure) return failure;
      const end = await this.#slots.run(() =>
        this.#options.networks.using(spec.tenantId, () => this.#createAndStart(allocation, spec)),
      );
      if (end !== "image-is-gone") return end;
      if (provisions >= MAX_PROVISIONS)
        return { kind: "node", message: `image ${image} is removed as soon as it is there` };
    }
  }

  async #provideImage(allocation: Allocation, image: string): Promise<AllocationEnd | undefined> {
    const { images, log, closing } = this.#options;
    const onMessage = (message: string): void => allocation.become({ phase: "starting", message });
    const failure = await images.provide(image, onMessage, allocation.stopSignal);
    if (allocation.stopSignal.aborted || closing.aborted) return STOPPED_BEFORE;
    if (failure) log.warn({ allocation: allocation.name, image, reason: failure.message }, "image not available");
    else onMessage("starting");
    return failure;
  }

  async #createAndStart(
    allocation: Allocation,
    spec: LaunchSpec,
  ): Promise<AllocationEnd | "image-is-gone" | undefined> {
    const { engine, discards, log } = this.#options;
    const [program] = argvOf(spec);
    if (allocation.stopSignal.aborted) return STOPPED_BEFORE;
    let volumes: readonly ResolvedVolume[] = [];
    try {
      const host = await this.#options.host();
      const problem = grantProblem(host.grant, spec.deviceIds);
      if (problem !== undefined) return { kind: "node", message: problem };
      const unconnected = await this.#options.networks.provide(spec.tenantId);
      if (unconnected) return unconnected;
      const looked = await this.#lookAtVolumes(spec);
      if (looked.kind === "refused") return looked.end;
      volumes = looked.volumes;
      const allowed = allow(spec, volumes, host);
      if (allowed.kind !== "allowed") return allowed;
      allocation.containerId = await engine.create(allowed.options);
    } catch (error) {
      const isTaken = error instanceof EngineError && error.status === 409;
      if (isTaken) return await this.#adopt(allocation, spec, volumes);
      // Somebody removed it since it was looked for: another agent on this engine, or a person.
      if (isMissing(error) && /no such image/i.test(messageOf(error))) return "image-is-gone";
      log.warn({ err: error, allocation: allocation.name }, "container not created");
      // What was not answered may still be carried out. A created container alone does nothing.
      if (isUnanswered(error)) discards.remember(allocation.containerName);
      return startFailure(error, program);
    }
    if (allocation.stopSignal.aborted) {
      await discards.remove(allocation.containerName);
      return STOPPED_BEFORE;
    }
    return await this.#start(allocation, spec, program, volumes);
  }

  async #lookAtVolumes(spec: LaunchSpec) {
    return await lookAtVolumes(spec, await this.#options.volumeRules());
  }

  async #start(
    allocation: Allocation,
    spec: LaunchSpec,
    program: string | undefined,
    volumes: readonly ResolvedVolume[],
  ): Promise<AllocationEnd | undefined> {
    const { engine, discards, log, policy } = this.#options;
    try {
      await engine.unpack(allocation.containerName, SCRATCH_ROOT, scratchArchive(policy.user));
      await this.#startOn(allocation.containerName, spec.tenantId);
      const changed = await checkMounted(engine, allocation.containerName, volumes);
      if (changed) {
        await discards.remove(allocation.containerName);
        return changed;
      }
    } catch (error) {
      log.warn({ err: error, allocation: allocation.name }, "container not started");
      if (isUnanswered(error)) return await this.#settle(allocation);
      await discards.remove(allocation.containerName);
      return startFailure(error, program);
    }
    return await this.#settle(allocation);
  }

  /** Somebody may remove the network between its provision and the start: it is provided once more. */
  async #startOn(container: string, tenantId: string): Promise<void> {
    const { engine, networks } = this.#options;
    try {
      await engine.start(container);
    } catch (error) {
      if (!isMissing(error) || !/network .*not found/i.test(messageOf(error))) throw error;
      if (await networks.provide(tenantId)) throw error;
      await engine.start(container);
    }
  }

  /** A container of that name exists: ours from an earlier try, or another's. */
  async #adopt(
    allocation: Allocation,
    spec: LaunchSpec,
    volumes: readonly ResolvedVolume[],
  ): Promise<AllocationEnd | undefined> {
    const { containerName } = allocation;
    try {
      const host = await this.#options.host();
      const details = await this.#findTaken(containerName);
      const found = details && parseLabels(details.Config.Labels);
      if (found?.agentId !== host.owner.agentId) {
        return { kind: "node", message: `Docker has another container named ${containerName}` };
      }
      if (details?.State.Status !== "created") return await this.#settle(allocation);
    } catch (error) {
      return startFailure(error, undefined);
    }
    return await this.#start(allocation, spec, undefined, volumes);
  }

  /** The name of a container is taken before the container can be seen. */
  async #findTaken(name: string): Promise<ContainerDetails | undefined> {
    const { engine, closing } = this.#options;
    for (const until = performance.now() + TAKEN_NAME_WITHIN_MS; performance.now() < until && !closing.aborted; ) {
      const details = await engine.inspect(name);
      if (details) return details;
      await delay(RETRY_MS / 5, closing);
    }
    return undefined;
  }

  /**
   * Finds out what became of a start. Nothing may be reported as ended that may be running, so this waits for an engine
   * that does not answer; a container that was not started by then is removed, and so never will be.
   */
  async #settle(allocation: Allocation): Promise<AllocationEnd | undefined> {
    const { engine, closing } = this.#options;
    while (!closing.aborted) {
      try {
        if (await this.#options.observe(allocation)) return undefined;
        await engine.remove(allocation.containerName);
        return { kind: "node", message: "Docker did not answer while the container was being started" };
      } catch (error) {
        if (closing.aborted) return undefined;
        allocation.become({ phase: "starting", message: messageOf(error) });
        await delay(RETRY_MS, closing);
      }
    }
    return undefined;
  }
}
