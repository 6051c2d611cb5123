import { EventHeap } from "../../controller/replay/event-heap.ts";
import type { Actor, Scheduled, Time } from "./actor.ts";
import type { Trace } from "./trace.ts";

/** Something that is to happen. */
interface Event {
  /** Whom it happens to: nothing happens to the dead, and what happens to the paused waits. Undefined is the world itself. */
  readonly actor: Actor | undefined;
  readonly label: string;
  readonly action: () => void;
  isCancelled: boolean;
}

/** The real one: what waits in it has all microtasks run before it. */
const realSetImmediate = globalThis.setImmediate;
const realTimers = { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval };

/**
 * The one thread of a simulated world: events in the order of their time, each followed by all that it promises. Everything
 * that happens is counted into the trace, so that two runs of a seed can be compared.
 */
export class Timeline implements Time {
  /** True time, in milliseconds since the beginning of the world. */
  now = 0;
  events = 0;
  readonly #heap = new EventHeap<Event>();
  readonly #trace: Trace;
  #current: Actor | undefined;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** The actor whose doing this moment is. */
  get current(): Actor | undefined {
    return this.#current;
  }

  /** In so many milliseconds of true time. */
  after(delayMs: number, actor: Actor | undefined, label: string, action: () => void): Scheduled {
    const event: Event = { actor, label, action, isCancelled: false };
    this.#heap.add(this.now + Math.max(0, delayMs), event);
    return {
      cancel: () => {
        event.isCancelled = true;
      },
    };
  }

  /** Lets everything happen until then, or until `isEnough`. */
  async runUntil(atMs: number, isEnough: () => boolean = () => false): Promise<void> {
    while (this.#heap.nextAt <= atMs && !isEnough()) {
      this.now = Math.max(this.now, this.#heap.nextAt);
      const event = this.#heap.takeDue(this.now);
      if (event) await this.#happen(event);
    }
    if (!isEnough()) this.now = Math.max(this.now, atMs);
  }

  async #happen(event: Event): Promise<void> {
    const { actor, label } = event;
    if (event.isCancelled || actor?.isAlive === false) return;
    if (actor && actor.pausedUntilMs > this.now) {
      this.#heap.add(actor.pausedUntilMs, event);
      return;
    }
    this.events += 1;
    this.#trace.event(this.now, actor?.name ?? "world", label);
    this.#current = actor;
    event.action();
    // All that follows from it at once: promises that are settled, and what waits for them.
    if (actor) await new Promise<void>((resolve) => void realSetImmediate(resolve));
    this.#current = undefined;
  }
}

/** Makes the global timers those of the timeline's current actor, on its clock; returns how to undo it. */
export function useVirtualTimers(timeline: Timeline): () => void {
  const repeat = (actor: Actor, action: () => void, ms: number, handle: { scheduled?: Scheduled }): void => {
    handle.scheduled = timeline.after(ms / actor.clockRate, actor, "timer", () => {
      repeat(actor, action, ms, handle);
      action();
    });
  };
  const later = (action: () => void, ms = 0): object => {
    const actor = timeline.current;
    if (!actor) throw new Error("a timer was set by nobody");
    const scheduled = timeline.after(Math.max(1, ms) / actor.clockRate, actor, "timer", action);
    return { scheduled, unref: () => {} };
  };
  const forget = (handle?: { scheduled?: Scheduled }): void => handle?.scheduled?.cancel();
  const virtual = {
    setTimeout: later,
    setInterval: (action: () => void, ms = 1) => {
      const handle: { scheduled?: Scheduled } = {};
      if (!timeline.current) throw new Error("a timer was set by nobody");
      repeat(timeline.current, action, Math.max(1, ms), handle);
      return handle;
    },
    setImmediate: (action: () => void) => {
      const { current } = timeline;
      if (!current) throw new Error("a turn was asked for by nobody");
      return { scheduled: timeline.after(0, current, "turn", action) };
    },
    clearTimeout: forget,
    clearInterval: forget,
  };
  Object.assign(globalThis, virtual);
  return () => void Object.assign(globalThis, realTimers);
}
