/** The network that a tenant's containers have on this host: its name, and what the engine is told of it. */
import { createHash } from "node:crypto";
import type { ContainerPolicy } from "../../policy/container-policy.ts";
import { BRIDGE_PREFIX } from "../../policy/bridges.ts";
import type { NetworkDetails, NetworkOptions } from "./engine-client.ts";

/** The label that the networks of all tenants have; its value is the tenant. */
export const NETWORK_LABEL = "gpusched.network";
const BRIDGE_NAME = "com.docker.network.bridge.name";
/** With the prefix as long as the kernel allows the name of an interface to be: 15 characters. */
const DIGITS = 12;

export interface TenantNetwork {
  readonly name: string;
  /** The name of its interface on the host, by which the firewall knows it. */
  readonly bridge: string;
}

/** The same whenever it is asked for, and another one on another engine: those of one host must not share an interface. */
export function tenantNetwork(tenantId: string, engineId: string): TenantNetwork {
  const hash = createHash("sha256")
    .update(JSON.stringify([engineId, tenantId]))
    .digest("hex")
    .slice(0, DIGITS);
  return { name: `gpusched-${hash}`, bridge: BRIDGE_PREFIX + hash };
}

/** What a container of the tenant has as its network. */
export function networkMode({ network }: ContainerPolicy, tenantId: string, engineId: string): string {
  return network === "tenant" ? tenantNetwork(tenantId, engineId).name : network;
}

/** What the engine is told to make. */
export function networkOptions(tenantId: string, { name, bridge }: TenantNetwork): NetworkOptions {
  return {
    Name: name,
    CheckDuplicate: true,
    Driver: "bridge",
    Options: { [BRIDGE_NAME]: bridge },
    Labels: { [NETWORK_LABEL]: tenantId },
  };
}

/** Why the network that has the name is not the tenant's: a part of a sentence; undefined when it is. */
export function networkFault(
  { Labels, Driver, Options }: NetworkDetails,
  tenantId: string,
  { bridge }: TenantNetwork,
): string | undefined {
  if (Labels?.[NETWORK_LABEL] !== tenantId) return "was not made by gpusched for this tenant";
  if (Driver !== "bridge") return `has the driver ${Driver}`;
  if (Options?.[BRIDGE_NAME] !== bridge) return `has another interface than ${bridge}`;
  return undefined;
}
