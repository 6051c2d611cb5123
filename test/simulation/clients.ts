import { type AllocationKey, allocationName, asNodeName, asTenantId, type JobId } from "../../base/ids.ts";
import type { Answers, InputOf, Unstamped } from "../../controller/core/input.ts";
import { isHeld } from "../../controller/core/model/allocation.ts";
import type { JobSpec } from "../../controller/core/model/job.ts";
import type { Limits } from "../../controller/core/model/tenant.ts";
import type { Random } from "../support/random.ts";
import { Actor } from "./actor.ts";
import type { ClientsView, ControllerView, WorldView } from "./world-view.ts";

const TENANTS = ["tenant-1", "tenant-2", "tenant-3"].map(asTenantId);
/** More would only make the seed longer. */
const MAX_JOBS = 45;
const RETRY_MS = 2_000;

/** Users: they submit, cancel and change, and keep a journal of all that was acknowledged to them. */
export class Clients implements ClientsView {
  /** What was acknowledged, and as what. */
  readonly acknowledged = new Map<JobId, JobSpec>();
  /** Jobs of which a cancellation was acknowledged, with the attempt that was the newest then. */
  readonly cancelled = new Map<JobId, number>();
  readonly #world: WorldView;
  readonly #random: Random;
  readonly #actor: Actor;
  #submitted = 0;

  constructor(world: WorldView, random: Random) {
    this.#world = world;
    this.#random = random;
    this.#actor = new Actor(world.timeline, "client", { rate: 1, skewMs: 0 });
    for (const id of TENANTS) this.#createTenant(id);
    const everyMs = random.between(1_500, 8_000);
    const submit = () => {
      if (!world.faults.isOver) this.#submit();
      if (this.#submitted < MAX_JOBS) this.#actor.after(random.next() * 2 * everyMs, "submits", submit);
    };
    this.#actor.after(1_500, "submits", submit);
  }

  /** A user cancels one of his jobs. */
  cancel(): void {
    const all = [...this.acknowledged.keys()];
    // Often at once, as somebody does who sees his mistake.
    const starting = all.filter((id) => this.#world.job(id)?.phase === "starting");
    const jobId = this.#random.pick(starting.length > 0 && this.#random.next() < 0.4 ? starting : all);
    if (jobId === undefined) return;
    this.#ask({ kind: "cancel-job", jobId }, () => {
      if (!this.cancelled.has(jobId)) this.cancelled.set(jobId, this.#world.job(jobId)?.attempt ?? 0);
    });
  }

  /** An administrator changes what a tenant may hold. */
  changeTenant(): void {
    const tenantId = this.#random.pick(TENANTS);
    if (tenantId === undefined) return;
    const limits = { gpus: this.#random.between(3, 8), concurrentJobs: this.#random.between(1, 6) };
    const change = { limits, canPreemptOthers: this.#random.next() < 0.5 };
    this.#ask({ kind: "update-tenant", tenantId, change }, () => {});
  }

  /** An operator says that the host is off. */
  confirmDead(name: string): void {
    const node = asNodeName(name);
    const held = this.#heldOn(name);
    this.#ask({ kind: "confirm-node-dead", node, by: "operator", reason: "it is off" }, () => {
      this.#world.coverage.count("host confirmed dead");
      const stillHeld = this.#heldOn(name).filter((one) => held.includes(one));
      if (stillHeld.length > 0) this.#world.violate(`${name} is confirmed dead and holds ${stillHeld.join(", ")}`);
    });
  }

  /** Something starts to run: not of a job whose cancellation was acknowledged before it had its attempt. */
  checkStart(key: AllocationKey): void {
    const attempt = this.cancelled.get(key.jobId);
    if (attempt !== undefined && key.attempt > attempt) {
      this.#world.violate(`${allocationName(key)} starts after the job's cancellation was acknowledged`);
    }
  }

  /** All that was promised is found. */
  check(): void {
    for (const [id, spec] of this.acknowledged) {
      const job = this.#world.job(id);
      const found = this.#world.ledger.specs.get(job?.array?.id ?? id);
      if (!job) this.#world.violate(`${id} was acknowledged and is lost`);
      else if (JSON.stringify(found) !== JSON.stringify(spec)) this.#world.violate(`${id} is not what was submitted`);
    }
    for (const id of this.cancelled.keys()) {
      const job = this.#world.job(id);
      if (job?.phase === "finished" && job.outcome.kind !== "cancelled") {
        this.#world.violate(`${id} was cancelled and is ${job.outcome.kind}`);
      }
    }
  }

  #createTenant(id: JobSpec["tenantId"]): void {
    const limits: Limits = id === "tenant-1" ? { gpus: 6 } : id === "tenant-2" ? { concurrentJobs: 3 } : {};
    const idlePolicy = id === "tenant-3" ? { minGpuUtilization: 10, gpuIdleWindowMinutes: 0.5 } : {};
    const tenant = { name: id, limits, tier: "high", canPreemptOthers: id === "tenant-3", ...idlePolicy } as const;
    const ask = () => {
      this.#ask({ kind: "create-tenant", id, tenant }, () => {});
      // Until it is there: its creation may be repeated.
      if (!this.#world.ledger.tenants.has(id)) this.#actor.after(RETRY_MS, "creates a tenant", ask);
    };
    this.#actor.after(1_000, "creates a tenant", ask);
  }

  #submit(): void {
    const spec = this.#drawSpec();
    const count = this.#random.next() < 0.1 ? this.#random.between(2, 3) : undefined;
    this.#submitted += count ?? 1;
    const input = { kind: "submit-job", spec, ...(count === undefined ? {} : { count }) } as const;
    this.#ask(input, ({ jobId, jobIds }) => {
      for (const id of jobIds ?? [jobId]) this.acknowledged.set(id, spec);
      this.#world.coverage.count("submission acknowledged");
    });
  }

  /** To any controller, over the network, there and back. */
  #ask<I extends Unstamped<InputOf<keyof Answers>>>(input: I, onAnswer: (answer: Answers[I["kind"]]) => void): void {
    const { network, controllers } = this.#world;
    const leaders = controllers.filter(({ loop }) => loop !== undefined);
    const controller = this.#random.pick(leaders.length > 0 ? leaders : controllers);
    if (!controller) return;
    network.send(controller.actor, ["client", controller.name], `is asked to ${input.kind}`, () => {
      const { loop } = controller;
      if (!loop) return;
      loop.submit(input).then(
        (answer) => this.#onAnswer(controller, input, answer, onAnswer),
        () => this.#world.coverage.count("request refused"),
      );
    });
  }

  #onAnswer<A extends Answers[keyof Answers]>(
    controller: ControllerView,
    input: Unstamped<InputOf<keyof Answers>>,
    answer: A,
    onAnswer: (answer: A) => void,
  ): void {
    if (input.kind === "submit-job" && "jobId" in answer && !this.#world.ledger.specs.has(answer.jobId)) {
      this.#world.violate(`${controller.name} acknowledges ${answer.jobId} before it is durable`);
    }
    if (input.kind === "cancel-job") {
      const job = this.#world.job(input.jobId);
      const isDurable = job?.phase === "stopping" || job?.phase === "finished";
      if (!isDurable) this.#world.violate(`${controller.name} acknowledges a cancellation before it is durable`);
    }
    this.#world.network.send(this.#actor, [controller.name, "client"], `${input.kind} is answered`, () =>
      onAnswer(answer),
    );
  }

  /** What the ledger has on the node, by name. */
  #heldOn(node: string): string[] {
    return [...this.#world.ledger.jobs.values()].flatMap(({ id: jobId, attempt, allocations }) => {
      const held = allocations.filter((allocation) => allocation.node === node && isHeld(allocation));
      return held.map(({ rank }) => allocationName({ jobId, attempt, rank }));
    });
  }

  #drawSpec(): JobSpec {
    const random = this.#random;
    const maybe = <T>(likelihood: number, value: T): T | undefined => (random.next() < likelihood ? value : undefined);
    const tenantId = random.pick(TENANTS) ?? asTenantId("tenant-1");
    const shape = random.pick(["one", "one", "part", "packed", "spread", "none"] as const);
    const gpus = random.between(1, 4);
    const shapes = {
      none: { gpuCount: 0 },
      one: { gpuCount: random.between(1, 3) },
      part: { gpuCount: 1, gpuMilli: random.pick([250, 500, 700]) ?? 500 },
      packed: { gpuCount: gpus, gang: true },
      spread: { gpuCount: 2 * random.between(1, 2), gang: true, gpusPerNode: random.between(1, 2) },
    };
    const own = [...this.acknowledged].filter(([, spec]) => spec.tenantId === tenantId).map(([id]) => id);
    const earlier = random.pick(own);
    const optional = {
      maxRetries: maybe(0.3, random.between(1, 2)),
      maxRuntimeMinutes: maybe(0.3, random.between(1, 2)),
      graceSeconds: random.pick([0, 2, 10]),
      onNodeLost: random.pick(["requeue", "requeue", "wait", undefined] as const),
      onPreempt: maybe(0.2, "cancel" as const),
      dependsOn: earlier && maybe(0.1, [earlier]),
    };
    const environment = {
      RUN_MS: String(random.between(200, random.next() < 0.5 ? 400_000 : 30_000)),
      EXIT_CODE: String(random.pick([0, 0, 0, 1, 7])),
      TERM_MS: String(random.pick([50, 1_000, 60_000])),
    };
    const given = Object.entries(optional).filter(([, value]) => value !== undefined);
    return { tenantId, name: shape ?? "one", environment, ...shapes[shape ?? "one"], ...Object.fromEntries(given) };
  }
}
