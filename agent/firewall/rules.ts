/** The rules for what comes from jobs, as nft reads them. */
import { BRIDGE_PREFIX } from "../policy/bridges.ts";
import type { ContainerPolicy } from "../policy/container-policy.ts";
import type { Destination } from "../policy/destination.ts";

/** Nothing of anybody else's is in it. */
export const TABLE = "inet gpusched";

/** Docker's own bridge, on which jobs are with `network: default`: all of the host's containers there obey the same rules. */
const DEFAULT_BRIDGE = "docker0";
const METADATA: readonly Destination[] = [
  { family: "ip", network: "169.254.0.0/16", port: undefined },
  { family: "ip6", network: "fe80::/10", port: undefined },
  { family: "ip6", network: "fd00:ec2::254", port: undefined },
];
const ETCD_PORTS = "2379, 2380";
/** By their numbers: the names are in /etc/protocols, which a small system does not have. */
const ICMP = "1, 58";
const TCP_AND_UDP = "6, 17";
const ON_PORT = `meta l4proto { ${TCP_AND_UDP} } th dport`;

export interface RuleFacts {
  readonly network: ContainerPolicy["network"];
  /** Where the controllers are, each with its port. */
  readonly controllers: readonly Destination[];
  /** What the policy adds. */
  readonly blocked: readonly Destination[];
  /** Where the host, and so a job, asks for names: in some clouds that is where metadata is. */
  readonly nameservers: readonly Destination[];
}

/** Puts the table in place of the one that is there, or of none, in one transaction. */
export function rulesText(facts: RuleFacts): string {
  const bridges = [`${BRIDGE_PREFIX}*`, ...(facts.network === "default" ? [DEFAULT_BRIDGE] : [])];
  const jobs = bridges.map((name) => `iifname "${name}"`);
  const names = facts.nameservers.map(({ family, network }) => `${family} daddr ${network} ${ON_PORT} 53 accept`);
  const blocked = [...METADATA, ...facts.controllers, ...facts.blocked].map(dropOf);
  return [
    removalText(),
    `table ${TABLE} {`,
    ...chain("forward", [
      "type filter hook forward priority filter - 10; policy accept;",
      // What stays on its bridge comes by here only where the kernel shows bridged packets to firewalls.
      ...jobs.map((from) => `${from} fib daddr . iif oif exists accept`),
      // Jobs publish no ports. Without Docker's own rules this is also what keeps tenants apart.
      `oifname "${BRIDGE_PREFIX}*" ct state new drop`,
      ...jobs.map((from) => `${from} jump from-jobs`),
    ]),
    ...chain("from-jobs", [
      `oifname "${BRIDGE_PREFIX}*" drop`,
      ...names,
      ...blocked,
      `tcp dport { ${ETCD_PORTS} } drop`,
    ]),
    ...chain("input", [
      "type filter hook input priority filter - 10; policy accept;",
      ...jobs.map((from) => `${from} jump to-host`),
    ]),
    ...chain("to-host", [
      "ct direction reply ct state established,related accept",
      `meta l4proto { ${ICMP} } accept`,
      ...names,
      "drop",
    ]),
    "}",
    "",
  ].join("\n");
}

/** Takes the table away, if it is there. */
export function removalText(): string {
  return `table ${TABLE}\ndelete table ${TABLE}\n`;
}

function dropOf({ family, network, port }: Destination): string {
  return `${family} daddr ${network} ${port === undefined ? "" : `${ON_PORT} ${port} `}drop`;
}

function chain(name: string, lines: readonly string[]): readonly string[] {
  return [`  chain ${name} {`, ...lines.map((line) => `    ${line}`), "  }"];
}
