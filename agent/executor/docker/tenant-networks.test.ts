import { expect, test } from "vitest";
import { silentLogger } from "../../../base/logger.ts";
import { EngineError, type NetworkDetails, type NetworkOptions } from "./engine-client.ts";
import { NETWORK_LABEL, networkOptions, tenantNetwork } from "./tenant-network.ts";
import { TenantNetworks, type TenantNetworksOptions } from "./tenant-networks.ts";

const ENGINE = "engine-a";
const NAME = tenantNetwork("a", ENGINE).name;
const EXHAUSTED = "could not find an available, non-overlapping IPv4 address pool among the defaults";

/** An engine that has networks and containers, and refuses what Docker refuses. */
function world(given: Partial<TenantNetworksOptions["engine"]> = {}) {
  const networks = new Map<string, NetworkDetails>();
  const containers = new Set<string>();
  const calls: string[] = [];
  const asDetails = (made: NetworkOptions): NetworkDetails => ({ ...made, Id: `id-${made.Name}` }) as never;
  const engine: TenantNetworksOptions["engine"] = {
    network: async (name) => networks.get(name),
    networks: async () => [...networks.values()].filter(({ Labels }) => Labels?.[NETWORK_LABEL] !== undefined),
    createNetwork: async (options) => {
      calls.push(`create ${options.Name}`);
      if (networks.has(options.Name)) throw new EngineError(`network with name ${options.Name} exists`, 409, undefined);
      networks.set(options.Name, asDetails(options));
    },
    removeNetwork: async (id) => {
      calls.push(`remove ${id.slice(3)}`);
      networks.delete(id.slice(3));
    },
    list: async () => [...containers].map((NetworkMode) => ({ HostConfig: { NetworkMode } }) as never),
    ...given,
  };
  const closing = new AbortController();
  const make = (isWanted = true): TenantNetworks =>
    new TenantNetworks({ engine, closing: closing.signal, log: silentLogger, isWanted, engineId: async () => ENGINE });
  const add = (tenantId: string): void => {
    const options = networkOptions(tenantId, tenantNetwork(tenantId, ENGINE));
    networks.set(options.Name, asDetails(options));
  };
  return { networks, containers, calls, make, add, engine, closing };
}

test("it is made once, however many want it at the same time, and used again", async () => {
  const { make, calls, networks } = world();
  const tenants = make();
  expect(await Promise.all([1, 2, 3].map(() => tenants.provide("a")))).toEqual([undefined, undefined, undefined]);
  expect(await tenants.provide("a")).toBeUndefined();
  expect(calls).toEqual([`create ${NAME}`]);
  networks.clear();
  expect(await tenants.provide("a")).toBeUndefined();
  expect(calls).toHaveLength(2);
});

test("one that another agent makes at the same moment is taken", async () => {
  const it = world({
    createNetwork: async () => {
      it.add("a");
      throw new EngineError("already exists", 409, undefined);
    },
  });
  expect(await it.make().provide("a")).toBeUndefined();
});

test("a network of somebody else's that has the name is not used, and the cure is told", async () => {
  const { make, networks, calls } = world();
  networks.set(NAME, { Name: NAME, Id: "x", Driver: "bridge", Labels: {} } as never);
  expect(await make().provide("a")).toEqual({
    kind: "node",
    message: `Docker's network ${NAME} was not made by gpusched for this tenant: docker network rm ${NAME} makes way for the tenant's own`,
  });
  expect(calls).toEqual([]);
});

test("where there are no addresses left, those of networks that nobody uses are taken, or else the cure is told", async () => {
  const it = world({
    createNetwork: async (options) => {
      if (it.networks.size > 0) throw new EngineError(EXHAUSTED, 404, undefined);
      it.networks.set(options.Name, { ...options, Id: "" } as never);
    },
  });
  it.add("b");
  expect(await it.make().provide("a")).toBeUndefined();
  expect([...it.networks.keys()]).toEqual([NAME]);
  it.containers.add(NAME);
  expect(await it.make().provide("c")).toMatchObject({
    kind: "node",
    message: expect.stringMatching(/no addresses left for a network of the tenant c: .*default-address-pools/),
  });
});

test("any other refusal is quoted", async () => {
  const createNetwork = async (): Promise<void> => {
    throw new EngineError("operation not permitted", 500, undefined);
  };
  const message = "Docker could not make a network for the tenant a: operation not permitted";
  expect(await world({ createNetwork }).make().provide("a")).toEqual({ kind: "node", message });
});

test("only those go that no container has and no launch is about to use", async () => {
  const { make, add, containers, calls, networks } = world();
  const tenants = make();
  for (const tenant of ["a", "b", "c"]) add(tenant);
  networks.set("theirs", { Name: "theirs", Id: "id-theirs" } as never);
  containers.add(NAME);
  await tenants.using("b", () => tenants.prune());
  expect(calls).toEqual([`remove ${tenantNetwork("c", ENGINE).name}`]);
  containers.clear();
  await tenants.prune();
  expect([...networks.keys()]).toEqual(["theirs"]);
});

test("a launch waits for a removal that has begun", async () => {
  const gate = Promise.withResolvers<void>();
  const it = world({
    removeNetwork: async () => {
      await gate.promise;
      it.networks.clear();
    },
  });
  it.add("a");
  const tenants = it.make();
  const pruned = tenants.prune();
  await new Promise(setImmediate);
  const launched = tenants.using("a", () => tenants.provide("a"));
  gate.resolve();
  await Promise.all([pruned, launched]);
  expect([...it.networks.keys()]).toEqual([NAME]);
});

test("a network that Docker does not let go of stays, and is no failure", async () => {
  const removeNetwork = async (): Promise<void> => {
    throw new EngineError("network has active endpoints", 403, undefined);
  };
  const it = world({ removeNetwork });
  it.add("a");
  await it.make().prune();
  expect(it.networks.size).toBe(1);
});

test("where the policy names another network none is made, and those of before go", async () => {
  const { make, add, calls } = world();
  add("a");
  const tenants = make(false);
  expect(await tenants.provide("b")).toBeUndefined();
  await tenants.run();
  expect(calls).toEqual([`remove ${NAME}`]);
});
