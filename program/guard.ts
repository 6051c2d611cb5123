import { startGuard } from "../agent/guard/start-guard.ts";
import { giveBackMemory } from "../base/give-back.ts";
import { guardPulse } from "./notify/pulses.ts";
import { agentOptions, guardOptions, unsupportedByGuard } from "./options.ts";
import { defineRole, untilStopped } from "./role.ts";

/** `gpusched guard`. */
export const guardRole = defineRole({
  summary: "stops an agent's jobs in time should the agent itself hang",
  options: guardOptions,
  unsupported: unsupportedByGuard,
  passedOver: agentOptions,
  async run({ logLevel: _, logFormat: __, ...options }, { services, manager, log }) {
    const guard = services.add(await startGuard({ ...options, log }));
    log.info({ dataDir: options.dataDir, executor: options.executor }, "guard started");
    services.add(giveBackMemory());
    manager.ready(() => guardPulse(guard.pulse()));
    return untilStopped();
  },
});
