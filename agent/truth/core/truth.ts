import type { AllocationKey } from "../../../base/ids.ts";
import { MINUTE_MS } from "../../../base/time.ts";
import type { Occupant, ProcessId } from "../../executor/executor.ts";
import { Activities } from "./activity.ts";
import type { Answers } from "./answers.ts";
import { Suspicions } from "./confirm.ts";
import { DeviceTree } from "./devices.ts";
import { type DeviceTruth, truthOf } from "./device-truth.ts";
import type { Finding } from "./finding.ts";
import { findOnDevice, type View } from "./find-on-devices.ts";
import { findOrphans } from "./find-orphans.ts";
import { InsideViews, type ViewQuestion } from "./inside-views.ts";
import { ownedProcesses } from "./owner.ts";
import type { Sighting } from "./sighting.ts";
import { Standings } from "./standing.ts";
import { Units } from "./units.ts";

/** So long what was done has to show, until it is done again. */
const AGAIN_AFTER_MS = 10_000;
/** A job may well read its data for so long before it computes. */
const IDLE_SAID_AFTER_MS = 10 * MINUTE_MS;

export interface TruthOptions {
  readonly agentId: string;
  readonly answers: Answers;
  /** Names of programs that may be on any device. */
  readonly ignoredPrograms: readonly string[];
}

/** What the job's user is told. */
const LOST_INSIDE = "its GPU was lost inside its container: it had it, and cannot reach it any more";

/** What must be done because of what was found. */
export type Deed =
  /** To end what is left of an attempt that is over, processes that have a device included. */
  | { readonly kind: "reap"; readonly unit: Occupant; readonly processes: readonly ProcessId[]; readonly why: string }
  /** To tell the leader of what it may not know of: what it does not want it has stopped. */
  | { readonly kind: "claim" }
  /** To end a job as its node's doing, so that it is tried again. */
  | { readonly kind: "restart"; readonly key: AllocationKey; readonly why: string }
  /** To be answered by {@link Truth.onView}. */
  | { readonly kind: "ask"; readonly question: ViewQuestion }
  | { readonly kind: "found"; readonly finding: Finding }
  | { readonly kind: "gone"; readonly finding: Finding };

/** What a look has told. */
export interface Insight {
  /** One for each device. */
  readonly devices: readonly DeviceTruth[];
  readonly deeds: readonly Deed[];
  /** Something was seen once: another look soon tells more. */
  readonly isOpen: boolean;
}

/**
 * What is on each device: joins what the driver, the kernel, the executor and the agent's core say. No I/O, no clock. It judges slowly and
 * acts on little: two looks in a row must see the same, and only what carries this agent's id and belongs to an attempt that is over by
 * the core's word is ever ended.
 */
export class Truth {
  readonly #options: TruthOptions;
  readonly #standings = new Standings();
  readonly #units = new Units();
  readonly #activities = new Activities();
  readonly #insideViews = new InsideViews();
  readonly #suspicions = new Suspicions();
  /** By id. */
  #said = new Map<string, Finding>();
  /** By finding, when something was done about it last. */
  readonly #doneAtMs = new Map<string, number>();
  #truths: readonly DeviceTruth[] = [];

  constructor(options: TruthOptions) {
    this.#options = options;
  }

  observe(sighting: Sighting): Insight {
    const { atMs, processes, occupants } = sighting;
    const view = this.#viewOf(sighting);
    if (processes) this.#activities.learn(view, sighting.wallMs);
    const questions = processes ? this.#insideViews.due(view, this.#activities, atMs) : [];
    const parts = { processes: processes !== undefined, occupants: occupants !== undefined };
    this.#suspicions.learn(this.#find(view), parts, atMs);
    const confirmed = this.#suspicions.confirmed(atMs);
    this.#truths = view.devices.map((device) => truthOf(view, device, confirmed, this.#options.answers));
    const asked = questions.map((question): Deed => ({ kind: "ask", question }));
    const deeds = [...asked, ...this.#news(confirmed, atMs), ...this.#deedsFor(confirmed, parts.occupants, atMs)];
    return { devices: this.#truths, deeds, isOpen: this.#suspicions.hasOpen(atMs) };
  }

  /** Whether a job sees its devices; undefined where that cannot be told. */
  onView(key: AllocationKey, sees: boolean | undefined): void {
    this.#insideViews.learn(key, sees);
  }

  get #parts() {
    const { agentId, ignoredPrograms } = this.#options;
    return { agentId, ignoredPrograms, standings: this.#standings, units: this.#units };
  }

  #viewOf(sighting: Sighting): View {
    const { devices } = sighting;
    this.#standings.learn(sighting.allocations);
    this.#units.learn(sighting);
    const owned = ownedProcesses(sighting, this.#parts);
    const wanted = sighting.allocations.filter(({ phase }) => phase !== "ended");
    return { devices, tree: new DeviceTree(devices), owned, wanted };
  }

  #find(view: View): readonly Finding[] {
    return [
      ...findOrphans({ ...this.#parts, ...view }),
      ...view.devices.flatMap((device) => findOnDevice(view, device)),
      ...this.#insideViews.find(view, this.#activities),
      ...view.devices.flatMap((device) => this.#activities.findIdle(view, device)),
    ];
  }

  /** Each is told once when it is there, and once when it is gone. */
  #news(confirmed: readonly Finding[], atMs: number): readonly Deed[] {
    const { answers } = this.#options;
    const isNews = ({ id, kind }: Finding): boolean =>
      answers[kind] !== "ignore" && (kind !== "idle" || this.#suspicions.ageMs(id, atMs) >= IDLE_SAID_AFTER_MS);
    const before = this.#said;
    this.#said = new Map(confirmed.filter(isNews).map((it) => [it.id, it]));
    const found = [...this.#said.values()].filter(({ id }) => !before.has(id));
    const gone = [...before.values()].filter(({ id }) => !this.#said.has(id));
    return [
      ...found.map((finding): Deed => ({ kind: "found", finding })),
      ...gone.map((finding): Deed => ({ kind: "gone", finding })),
    ];
  }

  #deedsFor(confirmed: readonly Finding[], executorAnswered: boolean, atMs: number): readonly Deed[] {
    const { answers } = this.#options;
    for (const [id, lastMs] of this.#doneAtMs) if (atMs - lastMs >= AGAIN_AFTER_MS) this.#doneAtMs.delete(id);
    const deeds = confirmed.flatMap((finding) => {
      const { id, kind } = finding;
      // What an executor has is judged only by a look to which it has answered.
      if (this.#doneAtMs.has(id) || (kind === "orphan" && !executorAnswered)) return [];
      const deed = deedFor(finding, answers);
      if (deed) this.#doneAtMs.set(id, atMs);
      return deed ?? [];
    });
    const claim = deeds.find(({ kind }) => kind === "claim");
    return [...deeds.filter(({ kind }) => kind !== "claim"), ...(claim ? [claim] : [])];
  }
}

function deedFor(finding: Finding, answers: Answers): Deed | undefined {
  const { kind, key, unit, processes = [], text: why } = finding;
  if (kind === "lost-inside" && answers[kind] === "restart" && key) return { kind: "restart", key, why: LOST_INSIDE };
  if (kind !== "orphan" || answers[kind] !== "reap" || !unit) return undefined;
  return finding.isUnclaimed ? { kind: "claim" } : { kind: "reap", unit, processes, why };
}
