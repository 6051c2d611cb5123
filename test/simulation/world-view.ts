import type { Memory } from "../../agent/core/input.ts";
import type { Device } from "../../agent/devices/device-source.ts";
import type { Executor } from "../../agent/executor/executor.ts";
import type { StreamHost } from "../../agent/uplink/control-stream.ts";
import type { AllocationKey, JobId } from "../../base/ids.ts";
import type { PeerAnswer } from "../../proto/generated/gpusched/v1/PeerAnswer.ts";
import type { Job } from "../../controller/core/model/job.ts";
import type { Loop } from "../../controller/loop/loop.ts";
import type { Actor } from "./actor.ts";
import type { Container } from "./container.ts";
import type { Coverage } from "./coverage.ts";
import type { Faults } from "./faults.ts";
import type { LedgerWatch } from "./ledger-watch.ts";
import type { ModelStore } from "./model-store.ts";
import type { Accept, Network } from "./network.ts";
import type { Runs } from "./runs.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

/** A machine, as others see it. */
export interface HostView {
  readonly name: string;
  readonly devices: readonly Device[];
  readonly allowSharing: boolean;
  /** For good. */
  readonly isGone: boolean;
  /** Where its agent is reached by others; undefined where it is not. */
  readonly peerAddress: string | undefined;
  readonly bootId: string;
  readonly bootedAtMs: number;
  /** What the agent's disk remembers. */
  readonly memory: Memory;
  readonly containers: ReadonlyMap<string, Container>;
}

/** An agent in all of its lives, as others see it. */
export interface AgentView {
  readonly name: string;
  readonly actor: Actor;
  readonly host: HostView;
  /** When the newest message was sent that a leader has answered, in true time. */
  answeredFromMs: number;
  /** When it heard a leader last, in true time. */
  heardAtMs: number;
  /** Since when it has had its stream, and since when it has lived, in true time; infinity while it does not. */
  connectedAtMs: number;
  readonly beganAtMs: number;
  /** The leader that it has a stream of its own to. */
  readonly leader: string | undefined;
  /** Whether it has a stream by way of a peer. */
  readonly isRelayed: boolean;
  readonly acceptRelay: Accept;
  /** What it says to a peer, undefined when it says nothing. */
  answer(question: { readonly cluster_id: string }): PeerAnswer | undefined;
  crash(restartMs: number): void;
  reboot(restartMs: number | undefined): void;
}

/** A controller in all of its lives, as others see it. */
export interface ControllerView {
  readonly name: string;
  readonly actor: Actor;
  readonly loop: Loop | undefined;
  readonly accept: Accept;
  crash(restartMs: number): void;
  shutDown(restartMs: number): void;
}

/** What users do when they are made to. */
export interface ClientsView {
  cancel(): void;
  changeTenant(): void;
  confirmDead(node: string): void;
  checkStart(key: AllocationKey): void;
}

/** Who looks at what agents hear, and say of it to each other. */
export interface MeshView {
  /** The agent hears a leader now. */
  onHeard(agent: AgentView): void;
  /** It says to a peer for how long it has heard none. */
  checkWord(agent: AgentView, saidMs: number): void;
}

/** The world as its parts see it. */
export interface WorldView {
  readonly trace: Trace;
  readonly timeline: Timeline;
  readonly coverage: Coverage;
  readonly faults: Faults;
  readonly network: Network;
  readonly store: ModelStore;
  readonly runs: Runs;
  readonly ledger: LedgerWatch;
  readonly mesh: MeshView;
  readonly clients: ClientsView;
  readonly controllers: readonly ControllerView[];
  readonly agents: readonly AgentView[];

  addNode(): void;
  /** Something has happened that never should. */
  violate(what: string): void;
  onContainerStart(host: HostView, container: Container): void;
  onContainerEnd(host: HostView, container: Container): void;
  /** The executor as its agent's core reaches it. */
  watchExecutor(agent: AgentView, executor: Executor): Executor;
  /** An agent's process begins. */
  watchBegin(agent: AgentView): void;
  /** What an agent says and hears. */
  watchStream(agent: AgentView, host: StreamHost): StreamHost;
  /** The job's row as it is durable. */
  job(id: JobId): Job | undefined;
}
