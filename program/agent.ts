import { isLoopbackHost, parseAddress } from "../base/address.ts";
import { giveBackMemory } from "../base/give-back.ts";
import { startAgent } from "../agent/agent.ts";
import { containerPolicyOf } from "./container-policy.ts";
import { checkExposure } from "./exposure.ts";
import { imageSettingsOf } from "./images.ts";
import { agentPulse } from "./notify/pulses.ts";
import { agentOptions, unsupportedByAgent } from "./options.ts";
import { defineRole, untilStopped } from "./role.ts";

const LEASE_ALONE =
  "without --peer-listen, jobs that may run elsewhere are stopped here when no controller answers for --node-lost-after";

/** `gpusched agent`. */
export const agentRole = defineRole({
  summary: "runs jobs on this host",
  options: agentOptions,
  unsupported: unsupportedByAgent,
  async run(values, { services, manager, log }) {
    const {
      logLevel: _,
      logFormat: __,
      insecure,
      peerListen,
      peerAddress,
      heartbeat: heartbeatMs,
      ...options
    } = values;
    const images = await imageSettingsOf(values);
    const policy = containerPolicyOf(values);
    const address = values.address ?? reachableAddress(values.controllers, values.nodeName);
    const peers = peerListen === undefined ? undefined : { listen: peerListen, advertise: peerAddress };
    if (peers) checkExposure("the agent's peers", parseAddress(peers.listen)?.host ?? "", insecure, log);
    const agent = services.add(
      await startAgent({ ...options, policy, reserved: [], images, heartbeatMs, address, peers, log }),
    );
    if (!peers) log.info({ note: LEASE_ALONE }, "about this node");
    for (const note of agent.notes) log.info({ note }, "about this node");
    log.info({ node: agent.nodeName, controllers: values.controllers }, "agent started");
    manager.starting(`${values.executor} cannot tell yet what runs here: see the log`);
    const never = untilStopped();
    await Promise.race([agent.working, never]);
    services.add(giveBackMemory());
    manager.ready(() => agentPulse(agent.pulse(), heartbeatMs));
    return never;
  },
});

/** A host whose controllers are all on itself has no peers elsewhere; any other is known by its name. */
function reachableAddress(controllers: readonly string[], nodeName: string): string {
  const isAlone = controllers.every((controller) => isLoopbackHost(parseAddress(controller)?.host ?? ""));
  return isAlone ? "127.0.0.1" : nodeName;
}
