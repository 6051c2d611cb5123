import type { Logger } from "../base/logger.ts";
import { mpsDirectory } from "./devices/mps.ts";
import type { Doctor } from "./doctor/doctor.ts";
import type { HealthWatch } from "./health/health-watch.ts";
import { capacity, type InventoryOptions, nodeInventory, telemetryToProto } from "./inventory.ts";
import type { AgentShell } from "./shell.ts";
import type { Looker } from "./truth/looker.ts";
import type { StreamHost } from "./uplink/control-stream.ts";
import type { NodeGrant } from "./uplink/launch-fault.ts";
import type { Outbox } from "./uplink/outbox.ts";
import { commandFromProto, membershipFromProto, reportToProto } from "./uplink/translate.ts";
import type { Vitals } from "./vitals.ts";

export interface StreamHostOptions {
  readonly identity: { readonly nodeName: string; readonly agentId: string; readonly bootId: string };
  readonly shell: AgentShell;
  readonly vitals: Vitals;
  readonly health: Pick<HealthWatch, "missing" | "conditions">;
  readonly looker: Pick<Looker, "look" | "useOf">;
  readonly outbox: Outbox;
  readonly inventory: InventoryOptions;
  /** Undefined has nobody look at the host. */
  readonly doctor?: Doctor | undefined;
  /** Whether a peer has answered; undefined while that is not known, or there are none. */
  readonly reachesPeers?: (() => boolean | undefined) | undefined;
  readonly log: Logger;
  /** A hello or a heartbeat leaves. */
  readonly onSaid?: () => void;
}

/** What this node says on a stream, and what it does about what it hears. */
export function createStreamHost(options: StreamHostOptions): StreamHost {
  const { identity, shell, vitals, health, looker, outbox, inventory, log, onSaid = () => {} } = options;
  const executorHealth = () => options.doctor?.judge(vitals.health) ?? vitals.health;
  // Those that have vanished are still told of: a device is never silently dropped.
  const inventoryNow = () => {
    const { devices, links } = vitals.listed;
    return nodeInventory(inventory, { devices: [...devices, ...health.missing(devices)], links });
  };
  const conditions = () => health.conditions((id) => looker.useOf(id));
  const grant = (): NodeGrant => ({ ...grantOf(inventory), devices: new Set(vitals.devices.map(({ id }) => id)) });
  const launchContext = { nodeName: identity.nodeName, executor: inventory.executor.name, mpsDirectory, grant };
  let helloSentAtMs = shell.nowMs();
  return {
    ready: () => shell.untilNumbered(),
    hello() {
      onSaid();
      const reports = shell.reports();
      outbox.forget(reports);
      helloSentAtMs = shell.nowMs();
      return {
        number: shell.nextHello(),
        membership_version: shell.memory.membership?.version ?? 0,
        node_name: identity.nodeName,
        agent_id: identity.agentId,
        boot_id: identity.bootId,
        cluster_id: shell.memory.clusterId,
        highest_term: shell.memory.highestTerm,
        highest_revision: shell.memory.revision ?? 0,
        inventory: inventoryNow(),
        conditions: conditions(),
        allocations: reports.map(reportToProto),
        executor: executorHealth(),
      };
    },
    onWelcome: ({ cluster_id, term, lease_ms, revision }) => {
      const welcome = { clusterId: cluster_id, term, leaseMs: lease_ms, ...(revision > 0 ? { revision } : {}) };
      return shell.welcome(welcome, helloSentAtMs);
    },
    onMembership: (membership) => shell.input({ kind: "membership", membership: membershipFromProto(membership) }),
    onHelloRefused: (highestHello) => shell.input({ kind: "hello-refused", highestHello }),
    onCommand(proto) {
      const command = commandFromProto(proto, launchContext);
      if (command) shell.input({ kind: "command", term: proto.term, command });
      else log.warn({ command: proto.command, term: proto.term }, "ignored a command that is not understood");
    },
    heartbeat() {
      onSaid();
      // For the next heartbeat: this one goes out with what is known already.
      void looker.look();
      const reaches = options.reachesPeers?.();
      return {
        telemetry: vitals.readings.map(telemetryToProto),
        executor: executorHealth(),
        inventory: inventoryNow(),
        conditions: conditions(),
        membership_version: shell.memory.membership?.version ?? 0,
        ...(reaches === undefined ? {} : { reaches_peers: reaches }),
      };
    },
    onHeartbeatSent: (sequence) => shell.input({ kind: "heartbeat-sent", sequence }),
    onHeartbeatAcked(sequence, revision, sentAtMs) {
      options.doctor?.onLeaderTime(sentAtMs);
      shell.input({ kind: "heartbeat-acked", sequence, revision });
    },
    takeNews: () => outbox.take(),
    onDisconnected: () => shell.input({ kind: "disconnected" }),
  };
}

/** What the node offers, beside its devices. */
function grantOf(inventory: InventoryOptions): Omit<NodeGrant, "devices"> {
  const { cpu_cores: cpuCores, memory_mb: memoryMb } = capacity(inventory);
  return { cpuCores, memoryMb, allowsSharing: inventory.allowSharing };
}
