/**
 * `node server-child.ts ROLE DATA_DIR`: something to be measured, in a process of its own, so that it does not share a thread with those
 * who ask it. Prints `{"address":"host:port"}` once it listens; ends when its standard input does.
 */
import { join } from "node:path";
import { DEFAULT_CONTAINER_POLICY } from "../../agent/policy/container-policy.ts";
import { startAgent } from "../../agent/agent.ts";
import { DEFAULT_ANSWERS } from "../../agent/truth/core/answers.ts";
import { silentLogger as log } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import { type Controller, startController } from "../../controller/controller.ts";
import { DEFAULT_POLICY } from "../../controller/core/model/policy.ts";
import { startGateway } from "../../gateway/gateway.ts";
import { SIMULATED_GPUS } from "./measured-server.ts";
import { startBareGrpc, startBareHttp } from "./bare-servers.ts";

const LISTEN = "127.0.0.1:0";
const SIMULATED_MEMORY_MB = 81_920;
/** No client is ever refused for its rate. */
const RATE_LIMIT = 1_000_000_000;

const services = new ServiceStack();

const roles: Readonly<Record<string, (dataDir: string) => Promise<string>>> = {
  "bare-grpc": async () => services.add(await startBareGrpc()).address,
  "bare-http": async () => services.add(await startBareHttp()).address,
  controller: async (dataDir) => (await addController(dataDir)).address,
  gateway: async (dataDir) => addGateway(await addController(dataDir)),
  // All in one process, as `gpusched dev` runs them.
  dev: async (dataDir) => {
    const controller = await addController(dataDir);
    const address = await addGateway(controller);
    await addAgent(controller, dataDir);
    return address;
  },
};

const [role = "", directory = ""] = process.argv.slice(2);
const start = roles[role];
if (!start) throw new Error(`there is no role ${JSON.stringify(role)}`);
const address = await start(directory);
process.stdin.resume().on("end", () => {
  void services.close().finally(() => process.exit());
});
console.log(JSON.stringify({ address }));

async function addController(dataDir: string): Promise<Controller> {
  return services.add(
    await startController({
      listen: LISTEN,
      advertise: undefined,
      dataDir: join(dataDir, "controller"),
      nodeUnreachableAfterMs: 15_000,
      nodeLostAfterMs: 300_000,
      policy: DEFAULT_POLICY,
      seedTenant: true,
      log,
    }),
  );
}

async function addGateway(controller: Controller): Promise<string> {
  const options = { listen: LISTEN, controllers: [controller.address], rateLimit: RATE_LIMIT, log };
  return services.add(await startGateway(options)).address;
}

async function addAgent(controller: Controller, dataDir: string): Promise<void> {
  services.add(
    await startAgent({
      controllers: [controller.address],
      nodeName: "bench",
      address: "127.0.0.1",
      dataDir: join(dataDir, "agent"),
      executor: "process",
      dockerSocket: "",
      dockerRuntime: undefined,
      gpuGrant: "none",
      images: { registryAuth: undefined, pullStallMs: 300_000, maxPulls: 3, keepImagesForMs: Number.MAX_SAFE_INTEGER },
      minFreeDisk: { bytes: 0, share: undefined },
      simulateGpus: { count: SIMULATED_GPUS, memoryMb: SIMULATED_MEMORY_MB },
      allowSharing: false,
      onFinding: DEFAULT_ANSWERS,
      ignoreProcesses: [],
      suspectDevices: "avoid",
      policy: { policy: DEFAULT_CONTAINER_POLICY, note: "" },
      reserved: [],
      labels: {},
      heartbeatMs: 5_000,
      cpuCores: undefined,
      memoryMb: undefined,
      log,
    }),
  );
}
