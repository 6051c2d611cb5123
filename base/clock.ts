/** The two clocks of a process. Handed in, so that tests and the simulator can bring their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch: for records and people, never for deadlines. */
  wallMs(): number;
  /** Milliseconds on a clock that never jumps: for deadlines and leases. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
