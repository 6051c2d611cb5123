import { messageOf, RequestError } from "../../base/errors.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import { Mailbox } from "../../base/mailbox.ts";
import type { Service } from "../../base/service.ts";
import type { Answers, Input, InputOf, Unstamped } from "../core/input.ts";
import { checkInvariants } from "../core/invariants.ts";
import type { Settings, State } from "../core/model/state.ts";
import type { Effect } from "../core/output.ts";
import type { Answer } from "../core/step.ts";
import { type Store, type StoreContents, StoreError } from "../store/store.ts";
import { type BatchResult, runBatch, runUnwritten } from "./batch.ts";
import type { Journal } from "./journal.ts";
import { type Question, Questions } from "./questions.ts";
import { recover, recoverAmid } from "./recovery.ts";
import { Standstill } from "./standstill.ts";

/** Requests that may wait for their turn; more are refused as overload. Agents' words are never refused. */
const MAILBOX_LIMIT = 20_000;
/** Inputs in one batch: bounds how long the loop holds the thread. */
const BATCH_LIMIT = 2_000;
const MAX_TIMER_MS = 60_000;
/** How often it is looked whether a store that takes no writes takes them again. */
const LOOK_FOR_ROOM_EVERY_MS = 500;
/** What only ever adds to the store. */
const ADDING: ReadonlySet<Input["kind"]> = new Set(["submit-job", "create-tenant"]);

export interface LoopOptions {
  readonly store: Store;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Logger;
  /** Carries an effect out: must not throw, must not wait. */
  readonly carryOut: (effect: Effect) => void;
  /** Called once when the term ends by failure: nothing is accepted any more. */
  readonly onTermEnd: (error: Error) => void;
  /** Is told every batch; closed by its owner, after the loop. */
  readonly journal?: Journal | undefined;
  /** Recounts everything after each batch: for tests. */
  readonly checkEveryBatch?: boolean;
}

interface Letter {
  readonly input: Unstamped<Input>;
  readonly resolve?: (answer: Answer) => void;
  readonly reject?: (error: Error) => void;
}

/**
 * Drives the core: gathers inputs, steps them, runs at most one scheduling pass, makes the batch's writes durable in one
 * group, and only then answers and carries effects out. While a batch is being written, the next one gathers.
 *
 * Reads run between batches, so that they never see what is not durable.
 */
export class Loop implements Service {
  readonly clusterId: string;
  readonly term: number;
  readonly #options: LoopOptions;
  readonly #standstill = new Standstill();
  #state: State;
  readonly #mailbox = new Mailbox<Letter>(MAILBOX_LIMIT);
  readonly #reads: (() => void)[] = [];
  readonly #questions: Questions;
  readonly #watchers = new Set<() => void>();
  readonly #wallOffsetMs: number;
  #revision: number;
  #lastAt = 0;
  /** When the batch under way was begun, by the monotonic clock. */
  #batchSinceMs: number | undefined;
  #busy: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended: Error | undefined;

  private constructor(options: LoopOptions, state: State, origin: StoreContents & { offset: number }) {
    this.#options = options;
    this.#state = state;
    this.clusterId = origin.clusterId;
    this.term = origin.term;
    this.#revision = origin.revision;
    this.#wallOffsetMs = origin.offset;
    this.#questions = new Questions((look) => this.read(look), options.clock);
  }

  /** How far the store has come: of all that has been answered and told. */
  get revision(): number {
    return this.#revision;
  }

  /** Why nothing at all can be changed for now: the store takes no writes. Reads and nodes' leases go on. */
  get standstill(): string | undefined {
    const { isFull, shortage } = this.#options.store;
    return isFull ? (shortage ?? "the store is full and takes no writes") : undefined;
  }

  /** For how long the batch under way has been; 0 when there is none, or when it waits for room in the store. */
  get busyMs(): number {
    const { store, clock } = this.#options;
    if (this.#batchSinceMs === undefined || store.shortage !== undefined) return 0;
    return clock.monotonicMs() - this.#batchSinceMs;
  }

  /** Loads the state and starts: the first pass runs at once. */
  static async start(options: LoopOptions): Promise<Loop> {
    const contents = await options.store.load();
    const { clock } = options;
    const offset = clock.wallMs() - clock.monotonicMs();
    const at = clock.wallMs();
    const state = recover(contents, options.settings, at);
    checkInvariants(state);
    options.journal?.begin({ ...contents, at, settings: options.settings });
    const loop = new Loop(options, state, { ...contents, offset });
    loop.post({ kind: "tick" });
    return loop;
  }

  /** Gives an input to the core. Resolves with its answer once that is durable; rejects with the refusal. */
  submit<I extends Unstamped<InputOf<keyof Answers>>>(input: I): Promise<Answers[I["kind"]]> {
    if (this.#ended) return Promise.reject(this.#overError());
    // At once: a commit under way may be waiting for room.
    const { shortage } = this.#options.store;
    if (shortage !== undefined && ADDING.has(input.kind)) return Promise.reject(new RequestError("full", shortage));
    if (this.standstill !== undefined) return Promise.reject(new RequestError("full", this.standstill));
    return new Promise((resolve, reject) => {
      this.#mailbox.put({ input, resolve: resolve as (answer: Answer) => void, reject });
      this.#wake();
    });
  }

  /** Gives an input that nobody waits for, and that must not be refused. */
  post(input: Unstamped<Input>): void {
    if (this.#ended) return;
    this.#mailbox.putAlways({ input });
    this.#wake();
  }

  /** Reads the durable state, as it is at the loop's time `at`; `look` must not keep or change what it sees. */
  async read<T>(look: (state: State, at: number) => T): Promise<T> {
    if (this.#isOver) throw this.#overError();
    if (!this.#busy) return look(this.#state, this.#now());
    return new Promise((resolve, reject) => {
      this.#reads.push(() => {
        try {
          if (this.#isOver) reject(this.#overError());
          else resolve(look(this.#state, this.#now()));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(messageOf(error)));
        }
      });
    });
  }

  /** Asks the durable state what takes long to tell, without holding up the loop. */
  ask<T>(question: Question<T>): Promise<T> {
    return this.#questions.ask(question);
  }

  /**
   * Waits until `look` sees what it looks for (anything but undefined) in the durable state, looking after every batch.
   * Rejects when the signal aborts or the term ends.
   */
  async waitFor<T>(look: (state: State) => T | undefined, signal: AbortSignal): Promise<T> {
    for (;;) {
      signal.throwIfAborted();
      // Listens before it looks, so that no batch falls between the two.
      const nextBatch = this.#nextBatch(signal);
      const seen = await this.read(look);
      if (seen !== undefined) return seen;
      await nextBatch;
    }
  }

  #nextBatch(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener("abort", done);
        this.#watchers.delete(done);
        resolve();
      };
      signal.addEventListener("abort", done);
      this.#watchers.add(done);
    });
  }

  /** Ends the term as a failure of the store does: nothing more is decided, written or told. */
  endTerm(error: Error): void {
    this.#fail(error);
  }

  /** Finishes the batch in flight and stops. The store is not closed. */
  async close(): Promise<void> {
    this.#end(new RequestError("unavailable", "the controller is shutting down"));
    await this.#busy;
  }

  #wake(): void {
    if (!this.#busy && !this.#ended) this.#busy = this.#run();
  }

  async #run(): Promise<void> {
    // Lets everything that has already arrived join the batch.
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    while (this.#mailbox.length > 0 && !this.#ended) {
      this.#batchSinceMs = this.#options.clock.monotonicMs();
      await this.#batch();
      this.#batchSinceMs = undefined;
      this.#serveReads();
    }
    this.#busy = undefined;
    this.#serveReads();
    this.#setTimer();
  }

  async #batch(): Promise<void> {
    const { standstill } = this;
    if (standstill !== undefined) return this.#standStill(standstill);
    this.#mailbox.putBack(this.#standstill.release().map((input) => ({ input })));
    const letters = this.#admit(this.#mailbox.take(BATCH_LIMIT));
    try {
      const at = this.#now();
      const inputs = letters.map((letter) => letter.input);
      const result = this.#decide(inputs, at);
      const writes = result.writes.map(({ table, key, value }) => ({ table, key, value: value && { ...value } }));
      const committed = writes.length > 0 ? this.#options.store.commit(writes) : undefined;
      this.#options.journal?.record({ at, inputs, outcome: result });
      if (committed) this.#revision = await committed;
      for (const [index, letter] of letters.entries()) answer(letter, result.answers[index]);
      this.#carryOut(result.effects);
    } catch (error) {
      if (await this.#undo(letters, error)) return;
      for (const letter of letters) letter.reject?.(this.#overError());
    }
  }

  /**
   * After a commit that was refused for lack of room: the state is read anew, without the batch. Who asked for something is refused;
   * what agents have said is said again once there is room. Any other failure ends the term.
   */
  async #undo(letters: readonly Letter[], error: unknown): Promise<boolean> {
    const { store, log } = this.#options;
    try {
      if (!(error instanceof StoreError) || error.code !== "full" || !store.recall) throw error;
      log.error({ error }, "a commit finds no room: it is undone, and nothing is changed until there is");
      const contents = await store.recall();
      if (contents.revision !== this.#revision) {
        throw new StoreError("failed", `the store is at revision ${contents.revision}, not at ${this.#revision}`);
      }
      const greeting = letters.flatMap(({ input }) => (input.kind === "node-hello" ? [input.node] : []));
      this.#state = recoverAmid(contents, this.#now(), this.#state, new Set(greeting));
      checkInvariants(this.#state);
    } catch (cause) {
      this.#fail(cause);
      return false;
    }
    this.#options.journal?.end("a batch was undone");
    for (const { reject } of letters) reject?.(new RequestError("full", this.standstill ?? messageOf(error)));
    this.#mailbox.putBack(letters.filter(({ reject }) => reject === undefined));
    return true;
  }

  /** Goes on with what needs no write. All of the state is durable meanwhile. */
  #standStill(why: string): void {
    try {
      this.#options.journal?.end("what needs no write goes on alone");
      const inputs: Unstamped<Input>[] = [];
      for (const { input, reject } of this.#mailbox.takeAll()) {
        if (reject) reject(new RequestError("full", why));
        else {
          const now = this.#standstill.take(input);
          if (now) inputs.push(now);
        }
      }
      this.#carryOut(runUnwritten(this.#state, inputs, this.#now()));
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * A leader that was away for too long must not prolong anything that a later one counts on to end. What it leaves undone is for
   * the next term to see: this one must not go on, even if its lease turns out to have been renewed.
   */
  #carryOut(effects: readonly Effect[]): void {
    if (this.#options.store.tenure.isHeld()) for (const effect of effects) this.#options.carryOut(effect);
    else this.#fail(new StoreError("fenced", `it is not sure any more that term ${this.term} is held`));
  }

  /** Refuses what only adds while the store has no room for it. What takes away, and what agents say, is never refused. */
  #admit(letters: readonly Letter[]): readonly Letter[] {
    const { shortage } = this.#options.store;
    if (shortage === undefined) return letters;
    const [adding = [], others = []] = [true, false].map((adds) =>
      letters.filter(({ input }) => ADDING.has(input.kind) === adds),
    );
    for (const { reject } of adding) reject?.(new RequestError("full", shortage));
    return others;
  }

  #decide(inputs: readonly Unstamped<Input>[], at: number): BatchResult {
    try {
      const result = runBatch(this.#state, inputs, at);
      if (this.#options.checkEveryBatch) checkInvariants(this.#state);
      return result;
    } catch (error) {
      // What led to a bug is worth more than anything else in the journal.
      this.#options.journal?.record({ at, inputs, outcome: { failure: messageOf(error) } });
      throw error;
    }
  }

  #serveReads(): void {
    for (const read of this.#reads.splice(0)) read();
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Milliseconds since the epoch as it was when the term began, counted on a clock that never goes back. */
  #now(): number {
    const at = Math.floor(this.#options.clock.monotonicMs() + this.#wallOffsetMs);
    this.#lastAt = Math.max(this.#lastAt, at);
    return this.#lastAt;
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    const isStanding = this.standstill !== undefined || !this.#standstill.isEmpty;
    const nextAt = this.#state.deadlines.nextAt;
    if (nextAt === undefined && !isStanding) return;
    const dueMs = (nextAt ?? Number.POSITIVE_INFINITY) - this.#now();
    const waitMs = isStanding ? LOOK_FOR_ROOM_EVERY_MS : Math.min(Math.max(0, dueMs), MAX_TIMER_MS);
    this.#timer = setTimeout(() => this.post({ kind: "tick" }), waitMs);
  }

  #fail(cause: unknown): void {
    if (this.#ended) return;
    this.#options.log.fatal({ error: cause }, "the term ends: its state is dropped");
    const error = cause instanceof Error ? cause : new Error(messageOf(cause));
    this.#end(error);
    this.#options.onTermEnd(error);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    clearTimeout(this.#timer);
    for (const letter of this.#mailbox.takeAll()) letter.reject?.(this.#overError());
    this.#questions.close(this.#overError());
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Whether another controller may lead by now: what is known here may then be old. */
  get #isOver(): boolean {
    return this.#ended !== undefined || !this.#options.store.tenure.isHeld();
  }

  #overError(): RequestError {
    return new RequestError("unavailable", "the controller does not lead any more; try again", { cause: this.#ended });
  }
}

function answer(letter: Letter, value: Answer): void {
  if (value instanceof RequestError) letter.reject?.(value);
  else letter.resolve?.(value);
}
