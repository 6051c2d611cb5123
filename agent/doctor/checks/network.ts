import type { NetworkFacts } from "../facts/network.ts";
import { error, type Finding, ok, warning } from "../finding.ts";

export function checkNetwork(facts: NetworkFacts): readonly Finding[] {
  return [checkControllers(facts), ...checkPeer(facts), ...checkDevPorts(facts)];
}

function checkControllers({ controllers }: NetworkFacts): Finding {
  const away = controllers.filter(({ problem }) => problem !== undefined);
  if (away.length === 0)
    return ok("controllers", `every controller is reached: ${controllers.map(({ address }) => address).join(", ")}`);
  const which = away.map(({ address, problem }) => `${address} (${problem})`).join(", ");
  const cure =
    "is it started, does it listen for others (--listen, --insecure), does a firewall stand between; else mend --controllers";
  if (away.length === controllers.length) return error("controllers", `no controller is reached: ${which}`, cure);
  return warning("controllers", `${away.length} of ${controllers.length} controllers are not reached: ${which}`, cure);
}

/** Whether others get through to it can only be told from there. */
function checkPeer({ peer }: NetworkFacts): readonly Finding[] {
  if (!peer) return [];
  const { address, answers, problem } = peer;
  if (answers) return [ok("peer-port", `${address} answers, at least from here`)];
  if (problem === undefined) return [ok("peer-port", `${address} is free for the agent`)];
  const cure = "mend --peer-listen and --peer-address: an address of this host, and a port that nobody uses";
  return [error("peer-port", `other agents cannot reach this one at ${address}: ${problem}`, cure)];
}

function checkDevPorts({ takenDevPorts, controllers }: NetworkFacts): readonly Finding[] {
  if (!takenDevPorts) return [];
  const isOurs = (port: number) =>
    controllers.some(({ address, problem }) => problem === undefined && address.endsWith(`:${port}`));
  const others = takenDevPorts.filter((port) => !isOurs(port));
  // Where one of them is a controller's, the other is its gateway's.
  if (others.length === 0 || others.length < takenDevPorts.length) {
    return [ok("dev-ports", "the ports 8080 and 9090 are free, or gpusched's")];
  }
  const cure = "it matters to gpusched dev alone: --http-port and --grpc-port choose others";
  return [warning("dev-ports", `somebody listens on ${others.map((port) => `port ${port}`).join(" and ")}`, cure)];
}
