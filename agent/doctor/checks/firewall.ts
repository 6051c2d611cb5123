import { isDeepStrictEqual } from "node:util";
import type { ContainerPolicy } from "../../policy/container-policy.ts";
import type { FirewallFacts } from "../facts/firewall.ts";
import { type Finding, ok, warning } from "../finding.ts";

const CHECK = "job-firewall";
const LOAD = "systemctl enable --now gpusched-firewall, or as root: gpusched firewall";
const AGAIN = "systemctl reload-or-restart gpusched-firewall, or as root: gpusched firewall";

export interface FirewallQuestion {
  readonly policy: Pick<ContainerPolicy, "network" | "blockedDestinations">;
  readonly controllers: readonly string[];
  /** Docker runs in a network of its own, which the host's rules do not see. */
  readonly isRootless: boolean;
}

/** What keeps jobs from the host, its cluster and metadata. */
export function checkFirewall(facts: FirewallFacts, question: FirewallQuestion): Finding {
  const { network } = question.policy;
  if (network === "none") return ok(CHECK, "jobs have no network");
  const unseen = unseenBecause(network, question.isRootless);
  if (unseen !== undefined) {
    const cure = "network: tenant, or network: none, in the policy file; or rules of your own";
    return warning(CHECK, `jobs reach this host, its cluster and metadata: ${unseen}`, cure);
  }
  const { mark, isLoaded } = facts;
  if (isLoaded === false || (mark === undefined && isLoaded === undefined)) return missing(facts);
  // Without a mark, somebody who may look has seen the table.
  if (mark === undefined) return ok(CHECK, "the rules for jobs are loaded");
  const { controllers, policy } = question;
  const isOurs =
    mark.network === network &&
    isDeepStrictEqual(mark.controllers, controllers) &&
    isDeepStrictEqual(mark.blockedDestinations, policy.blockedDestinations);
  if (!isOurs) {
    return warning(CHECK, "the rules for jobs were loaded for another configuration than the agent's", AGAIN);
  }
  if (mark.unresolved.length === 0) return ok(CHECK, "the rules for jobs are loaded");
  const which = mark.unresolved.join(", ");
  return warning(CHECK, `jobs are not kept from ${which}: nobody knew the address when the rules were loaded`, AGAIN);
}

/** Why rules for the bridges of tenants say nothing about these jobs. */
function unseenBecause(network: string, isRootless: boolean): string | undefined {
  if (network === "host") return "they share its network (network: host)";
  if (isRootless) return "Docker is rootless, and the host's firewall does not see where its containers come from";
  if (network === "tenant" || network === "default") return undefined;
  return `the rules of gpusched say nothing about the network ${network}`;
}

function missing({ mark, dockerMakesNone }: FirewallFacts): Finding {
  const tenants = dockerMakesNone
    ? ", and those of other tenants, because Docker makes no rules (iptables: false)"
    : "";
  const what = `jobs reach this host, its cluster and metadata (169.254.169.254)${tenants}`;
  const why = mark === undefined ? "the rules for jobs are not loaded" : "somebody has taken the rules for jobs away";
  return warning(CHECK, `${why}: ${what}`, LOAD);
}
