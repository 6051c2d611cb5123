/** `gpusched dev`: the controller, the gateway and an agent in one process, on one data directory. */
import { join } from "node:path";
import { startAgent } from "../agent/agent.ts";
import { formatAddress } from "../base/address.ts";
import { makeDataDirectory } from "../base/make-directory.ts";
import type { OptionValues } from "../base/options.ts";
import { version } from "../base/version.ts";
import { startController } from "../controller/controller.ts";
import { startGateway } from "../gateway/gateway.ts";
import { archiveOf } from "./archive.ts";
import { containerPolicyOf } from "./container-policy.ts";
import { checkExposure } from "./exposure.ts";
import { requireFreePort } from "./free-port.ts";
import { chooseExecutor, chooseGpus } from "./host.ts";
import { imageSettingsOf } from "./images.ts";
import { controllerPulse } from "./notify/pulses.ts";
import { devOptions, unsupportedByDev } from "./options.ts";
import { policyOf } from "./policy-file.ts";
import { untilReady } from "./ready.ts";
import { defineRole, type RoleContext } from "./role.ts";

type DevValues = OptionValues<typeof devOptions>;

const GRPC_HOST = "127.0.0.1";

export const devRole = defineRole({
  summary: "all of the three in one process, with nothing to install",
  options: devOptions,
  unsupported: unsupportedByDev,
  async run(values, context) {
    const { services, manager, log } = context;
    checkExposure("the REST API", values.host, values.insecure, log);
    const policy = policyOf(values);
    const images = await imageSettingsOf(values);
    await requireFreePort(values.host, values.httpPort, "--http-port");
    await requireFreePort(GRPC_HOST, values.grpcPort, "--grpc-port");
    makeDataDirectory(values.dataDir);
    const gpus = await chooseGpus(values.simulateGpus, log);
    const executor = await chooseExecutor(values.executor, values.dockerSocket);
    const containerPolicy = containerPolicyOf(values);

    const controller = services.add(await startController({ ...controllerOptionsOf(values, context), policy }));
    const gateway = services.add(
      await startGateway({
        listen: formatAddress(values.host, values.httpPort),
        controllers: [controller.address],
        rateLimit: values.rateLimit,
        log,
      }),
    );
    const agent = services.add(
      await startAgent({
        controllers: [controller.address],
        nodeName: values.nodeName,
        address: values.address ?? GRPC_HOST,
        dataDir: join(values.dataDir, "agent"),
        executor: executor.name,
        dockerSocket: values.dockerSocket,
        dockerRuntime: values.dockerRuntime,
        gpuGrant: values.gpuGrant,
        images,
        minFreeDisk: values.minFreeDisk,
        simulateGpus: gpus.simulate,
        allowSharing: values.allowSharing,
        onFinding: values.onFinding,
        ignoreProcesses: values.ignoreProcesses,
        suspectDevices: values.suspectDevices,
        policy: containerPolicy,
        reserved: [values.dataDir],
        labels: values.labels,
        heartbeatMs: values.heartbeat,
        cpuCores: values.cpuCores,
        memoryMb: values.memoryMb,
        log,
      }),
    );
    const notes = [gpus.note, executor.note, ...agent.notes].filter((note) => note !== undefined);
    printBanner({ rest: gateway.address, grpc: controller.address, dataDir: values.dataDir, notes });
    // A controller that has stopped before will never be ready.
    const failure = await Promise.race([controller.ended, untilReady(gateway.address, context.stopping)]);
    if (failure) return failure;
    manager.ready(() => controllerPulse(controller));
    console.log("ready");
    return controller.ended;
  },
});

function controllerOptionsOf(values: DevValues, { log }: RoleContext) {
  const dataDir = join(values.dataDir, "controller");
  return {
    listen: formatAddress(GRPC_HOST, values.grpcPort),
    advertise: values.advertise,
    dataDir,
    lost: values.acceptStateLoss,
    archive: archiveOf(values, dataDir),
    nodeUnreachableAfterMs: values.nodeUnreachableAfter,
    nodeLostAfterMs: values.nodeLostAfter,
    journal: values.journal,
    // The documented examples use a tenant that nobody has created.
    seedTenant: true,
    log,
  };
}

function printBanner(banner: { rest: string; grpc: string; dataDir: string; notes: readonly string[] }): void {
  console.log(`gpusched ${version}`);
  console.log(`  REST API  http://${banner.rest}/api/v1`);
  console.log(`  gRPC API  ${banner.grpc}`);
  console.log(`  data      ${banner.dataDir}`);
  for (const note of banner.notes) console.log(`  note      ${note}`);
}
