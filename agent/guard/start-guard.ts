import type { Logger } from "../../base/logger.ts";
import { type Service, ServiceStack } from "../../base/service.ts";
import { EngineClient } from "../executor/docker/engine-client.ts";
import { hostClock } from "../host-clock.ts";
import { readBootId } from "../inventory.ts";
import { Containers } from "./containers.ts";
import { Guard, type GuardPulse } from "./guard.ts";
import { Processes } from "./processes.ts";

/** Guards the agent on the data directory, whether that runs or not, until it is closed. */
export async function startGuard(options: {
  readonly dataDir: string;
  readonly executor: "docker" | "process";
  readonly dockerSocket: string;
  readonly log: Logger;
}): Promise<Service & { pulse(): GuardPulse }> {
  const { dataDir, executor, dockerSocket, log } = options;
  const closing = new AbortController();
  const services = new ServiceStack();
  services.add({ close: () => Promise.resolve(closing.abort()) });
  const target =
    executor === "process"
      ? new Processes(dataDir, log)
      : new Containers(new EngineClient(dockerSocket, closing.signal), log);
  const guard = services.add(new Guard({ dataDir, target, bootId: await readBootId(), clock: hostClock, log }));
  return { pulse: () => guard.pulse(), close: () => services.close() };
}
