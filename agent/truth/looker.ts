import { withDeadline } from "../../base/abort.ts";
import { unreachable } from "../../base/assert.ts";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { AllocationKey } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import type { Report } from "../core/input.ts";
import type { Device, DeviceReading } from "../devices/device-source.ts";
import type { Executor, FoundAllocation, Occupant } from "../executor/executor.ts";
import type { UseState } from "../health/conditions.ts";
import { CONFIRM_AFTER_MS } from "./core/confirm.ts";
import type { DriverProcess, SeenAllocation, SeenDevice } from "./core/sighting.ts";
import { type Deed, Truth, type TruthOptions } from "./core/truth.ts";
import { DEVICE_USES } from "./use-state.ts";
import { HostProcesses } from "./host-processes.ts";

/** So long a look waits for the executor, which has longer deadlines of its own. */
const OCCUPANTS_DEADLINE_MS = 2_000;
const READ_DEADLINE_MS = 5_000;
/** Looks that may follow on one of a heartbeat, to confirm what it saw. */
const MAX_FOLLOWING = 2;
/** More than a moment after the earliest: timers may come early. */
const FOLLOW_AFTER_MS = CONFIRM_AFTER_MS + 50;

export interface LookerOptions extends TruthOptions {
  readonly executor: Pick<Executor, "occupants" | "reap" | "seesDevices" | "recover">;
  /** A heartbeat's reading of the devices: resolves when it has ended, after which the two below tell what is known. */
  readonly refresh: () => Promise<void>;
  /** Another reading, of which nobody else is told. */
  readonly read: () => Promise<readonly DeviceReading[]>;
  readonly devices: () => readonly Device[];
  readonly readings: () => readonly DeviceReading[];
  readonly allocations: () => readonly Report[];
  /** The executor has what the core may not know of. */
  readonly onDiscovered: (found: readonly FoundAllocation[]) => void;
  /** This node cannot do for it what it was started for. */
  readonly onGivenUp: (key: AllocationKey, why: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Looks at each heartbeat what is on the devices, soon again where something was seen that needs a second look, and does what follows. */
export class Looker implements Service {
  readonly #options: LookerOptions;
  readonly #truth: Truth;
  readonly #hostProcesses = new HostProcesses();
  #uses = new Map<string, UseState>();
  #looking: Promise<void> | undefined;
  #following: NodeJS.Timeout | undefined;
  #lastReadings: readonly DeviceReading[] | undefined;
  /** What the executor has not answered yet. */
  #listing: Promise<unknown> | undefined;
  #isClosed = false;
  /** What is being done and must not be begun twice. */
  readonly #doing = new Set<string>();
  #problem = "";

  constructor(options: LookerOptions) {
    this.#options = options;
    const { agentId, answers, ignoredPrograms } = options;
    this.#truth = new Truth({ agentId, answers, ignoredPrograms });
  }

  /** What was found on the device when it was looked at last; undefined before the first look. */
  useOf(deviceId: string): UseState | undefined {
    return this.#uses.get(deviceId);
  }

  /** At a heartbeat: has the devices read, and looks, unless that is under way. Never rejects. */
  look(): Promise<void> {
    // Every heartbeat counts as one, also while a driver that hangs keeps the look before from its end.
    const refreshed = this.#options.refresh();
    return this.#begin(() => this.#heartbeatReadings(refreshed), 0);
  }

  #begin(read: () => Promise<readonly DeviceReading[] | undefined>, following: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    clearTimeout(this.#following);
    this.#looking ??= this.#look(read, following)
      .catch((error: unknown) => this.#options.log.error({ err: error }, "cannot look what is on the devices"))
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  /** What is under way ends with the executor's own deadlines, and nothing comes of it any more. */
  close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#following);
    return Promise.resolve();
  }

  async #look(read: () => Promise<readonly DeviceReading[] | undefined>, following: number): Promise<void> {
    const { clock } = this.#options;
    const readings = await read();
    const processes = readings && processesOf(readings);
    const hostProcesses = this.#hostProcesses.read((processes ?? []).map(({ pid }) => pid));
    const occupants = await this.#occupants();
    if (this.#isClosed) return;
    // From here on nothing waits: what is decided is what is known at this moment.
    const { devices, deeds, isOpen } = this.#truth.observe({
      devices: this.#devices(readings ?? this.#options.readings()),
      processes,
      hostProcesses,
      occupants,
      allocations: this.#options.allocations().map(seenAllocation),
      atMs: clock.monotonicMs(),
      wallMs: clock.wallMs(),
    });
    this.#uses = new Map(devices.map(({ id, use, ...more }) => [id, { ...more, use: DEVICE_USES[use] }]));
    for (const deed of deeds) this.#carryOut(deed);
    if (!isOpen || following >= MAX_FOLLOWING) return;
    this.#following = setTimeout(() => void this.#begin(() => this.#readAgain(), following + 1), FOLLOW_AFTER_MS);
  }

  async #readAgain(): Promise<readonly DeviceReading[] | undefined> {
    try {
      return await withDeadline("the GPU driver", READ_DEADLINE_MS, () => this.#options.read());
    } catch {
      // The next heartbeat tells of it.
      return undefined;
    }
  }

  /** Undefined where the driver has not answered since the last one. */
  async #heartbeatReadings(refreshed: Promise<void>): Promise<readonly DeviceReading[] | undefined> {
    await refreshed;
    const readings = this.#options.readings();
    if (readings === this.#lastReadings || (readings.length === 0 && this.#options.devices().length > 0))
      return undefined;
    this.#lastReadings = readings;
    return readings;
  }

  #devices(readings: readonly DeviceReading[]): readonly SeenDevice[] {
    const byId = new Map(readings.map((reading) => [reading.id, reading]));
    return this.#options.devices().map(({ id, parentId }) => {
      const own = byId.get(id);
      const parent = parentId === undefined ? undefined : byId.get(parentId);
      const namesProcesses = (own?.processes ?? parent?.processes) !== undefined;
      return { id, parentId, namesProcesses, memoryUsedMb: own?.memoryUsedMb };
    });
  }

  /** Undefined when the executor does not answer: loud once. */
  async #occupants(): Promise<readonly Occupant[] | undefined> {
    const { executor, log } = this.#options;
    // One that was asked for before would be older than the processes.
    if (this.#listing) return undefined;
    try {
      const listing = executor.occupants().finally(() => {
        this.#listing = undefined;
      });
      this.#listing = listing;
      const occupants = await withDeadline("the executor", OCCUPANTS_DEADLINE_MS, () => listing);
      this.#problem = "";
      return occupants;
    } catch (error) {
      const problem = messageOf(error);
      if (problem !== this.#problem) log.warn({ problem }, "the executor does not tell what it has on this host");
      this.#problem = problem;
      return undefined;
    }
  }

  #carryOut(deed: Deed): void {
    const { executor, log, clock, onDiscovered, onGivenUp } = this.#options;
    switch (deed.kind) {
      case "found":
        return log.warn(fieldsOf(deed), "found on a device");
      case "gone":
        return log.info(fieldsOf(deed), "no longer found on a device");
      case "restart":
        log.warn({ ...deed.key, reason: deed.why }, "giving up an allocation, so that its job is started anew");
        return onGivenUp(deed.key, deed.why);
      case "claim":
        return this.#do("claim", async () => {
          const found = await executor.recover();
          if (!this.#isClosed) onDiscovered(found);
        });
      case "ask":
        return this.#do(`ask ${JSON.stringify(deed.question.key)}`, async () => {
          const { key, mayRun } = deed.question;
          this.#truth.onView(key, await executor.seesDevices(key, mayRun));
        });
      case "reap":
        return this.#do(`reap ${deed.unit.id}`, async () => {
          const begunAtMs = clock.monotonicMs();
          const done = await executor.reap(deed.unit, deed.processes);
          const fields = {
            ...deed.unit.key,
            unit: deed.unit.id,
            reason: deed.why,
            ms: clock.monotonicMs() - begunAtMs,
          };
          if (done) log.warn(fields, "killed what was left of an attempt that is over");
          else log.warn(fields, "nothing to kill is left of an attempt that is over, or it may not be killed");
        });
      default:
        unreachable(deed);
    }
  }

  /** In the background, once at a time. */
  #do(name: string, work: () => Promise<void>): void {
    if (this.#doing.has(name)) return;
    this.#doing.add(name);
    void work()
      .catch((error: unknown) => this.#options.log.warn({ what: name, reason: messageOf(error) }, "could not be done"))
      .finally(() => this.#doing.delete(name));
  }
}

function fieldsOf({ finding }: Extract<Deed, { kind: "found" | "gone" }>): Record<string, unknown> {
  return { finding: finding.kind, devices: finding.deviceIds, what: finding.text };
}

function processesOf(readings: readonly DeviceReading[]): readonly DriverProcess[] {
  return readings.flatMap(({ id, processes = [] }) => processes.map((process) => ({ ...process, deviceId: id })));
}

function seenAllocation({ key, deviceIds, state, stopping }: Report): SeenAllocation {
  const startedAtMs = state.phase === "starting" ? undefined : state.startedAtMs;
  return { key, deviceIds, phase: state.phase, startedAtMs, stopping };
}
