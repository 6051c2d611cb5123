/** Looks at the host, and says what a person should know or mend. */
import { silentLogger } from "../../base/logger.ts";
import type { JobLimitation } from "../executor/executor.ts";
import type { GpuGrantSetting } from "../executor/docker/gpu-grant.ts";
import { GrantKeeper } from "../executor/docker/grant/grant-keeper.ts";
import { checkClock } from "./checks/clock.ts";
import { checkEngine } from "./checks/engine.ts";
import { checkFiles } from "./checks/files.ts";
import { checkFirewall } from "./checks/firewall.ts";
import { checkGpus } from "./checks/gpus.ts";
import { checkProcessLimits } from "./checks/process-limits.ts";
import { checkKernel } from "./checks/kernel.ts";
import { checkNetwork } from "./checks/network.ts";
import { checkToolkit } from "./checks/toolkit.ts";
import { gatherClock } from "./facts/clock.ts";
import { type EngineFacts, gatherEngine } from "./facts/engine.ts";
import { gatherFiles } from "./facts/files.ts";
import { gatherFirewall } from "./facts/firewall.ts";
import { gatherGpus, type GpuFacts } from "./facts/gpus.ts";
import { gatherKernel } from "./facts/kernel.ts";
import { gatherNetwork } from "./facts/network.ts";
import { gatherToolkit } from "./facts/toolkit.ts";
import type { ContainerPolicy } from "../policy/container-policy.ts";
import { type Finding, ok, unknown } from "./finding.ts";
import { Host } from "./host.ts";

/** What the agent of this host is told, or would be. */
export interface ExamineOptions {
  readonly controllers: readonly string[];
  readonly dataDir: string;
  readonly executor: "docker" | "process";
  readonly dockerSocket: string;
  readonly dockerRuntime: string | undefined;
  readonly gpuGrant: GpuGrantSetting;
  /** What jobs may be and reach here. */
  readonly containerPolicy: ContainerPolicy;
  readonly peerListen: string | undefined;
  readonly peerAddress: string | undefined;
  readonly simulated: boolean;
  /** Where these options were read, if that is known. */
  readonly configFile: string | undefined;
  /** Whether this process is the agent. */
  readonly isAgent: boolean;
  /** What the jobs of this agent are held to; undefined where that is not known: only the agent itself makes the groups. */
  readonly limits?: JobLimitation | undefined;
  /** How far the leader's clock is ahead, where that is known. */
  readonly driftMs: number | undefined;
}

/** Every check, in the order in which a person would go about it. Ends within seconds, whatever hangs. */
export async function examine(options: ExamineOptions, host = new Host()): Promise<readonly Finding[]> {
  const { executor, dockerSocket, simulated, isAgent } = options;
  const usesDocker = executor === "docker";
  const [gpus, toolkit, engine, kernel, clock, network, files, firewall] = await Promise.all([
    simulated ? undefined : gatherGpus(host),
    usesDocker && !simulated ? gatherToolkit(host) : undefined,
    usesDocker ? gatherEngine(host, dockerSocket) : undefined,
    gatherKernel(host),
    gatherClock(host, options.driftMs),
    gatherNetwork({ ...options, withDevPorts: !isAgent }),
    gatherFiles(host, options.dataDir, options.configFile),
    usesDocker ? gatherFirewall(host) : undefined,
  ]);
  const hasGpus = gpus !== undefined && countsGpus(gpus);
  const grant = engine && (await grantOf(options, engine, host));
  const driverVersion = gpus?.moduleVersion;
  return [
    ...(gpus ? checkGpus(gpus) : [ok("gpu-driver", "the GPUs are simulated")]),
    ...(toolkit ? checkToolkit(toolkit, { hasGpus, driverVersion, grant: grant?.kind }) : []),
    ...(engine ? checkEngine(engine, { hasGpus, grant }) : []),
    ...checkClock(clock),
    ...checkNetwork(network),
    ...(firewall ? [checkFirewall(firewall, firewallQuestion(options, engine))] : []),
    ...checkKernel(kernel, { executor, isAgent, nodeVersion: process.versions.node }),
    ...(usesDocker ? [] : checkProcessLimits(options.limits)),
    ...checkFiles(files),
    ...host.forbidden.map((path) =>
      unknown("permissions", `this user may not look at ${path}`, "run it as root to see it"),
    ),
  ];
}

function firewallQuestion({ containerPolicy: policy, controllers }: ExamineOptions, engine: EngineFacts | undefined) {
  const options = engine?.answer.kind === "answered" ? (engine.answer.info.SecurityOptions ?? []) : [];
  return { policy, controllers, isRootless: options.some((it) => /^name=rootless\b/.test(it)) };
}

function countsGpus({ nvidia, smi, moduleVersion }: GpuFacts): boolean {
  return nvidia.length > 0 || moduleVersion !== undefined || smi.kind === "answered";
}

/** As an agent would choose before it knows its devices. */
async function grantOf(options: ExamineOptions, { answer }: EngineFacts, host: Host) {
  if (answer.kind !== "answered") return undefined;
  const { gpuGrant: setting, dockerRuntime: runtime, simulated } = options;
  const source = { name: "none", list: async () => ({ devices: [], links: [], lost: [] }) } as const;
  const root = host.path("/");
  return await new GrantKeeper({ setting, runtime, simulated, source, log: silentLogger, host: { root } }).keep(
    answer.info,
  );
}
