/** Messages of one direction that may wait in a relay: whoever reads slower has its stream ended, and says Hello again. */
const MAX_UNSENT = 1_000;

/** The part of a stream that a relay uses; gRPC's client and server streams both have it. */
interface End<In, Out> {
  on(event: "data", listener: (message: In) => void): unknown;
  on(event: "end" | "cancelled" | "status", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  write(message: Out, done?: () => void): unknown;
  end(): unknown;
}

export interface RelayEnds<Up, Down> {
  /** The peer's stream to us. */
  readonly peer: End<Up, Down>;
  /** Our stream to the leader. */
  readonly leader: End<Down, Up> & { cancel(): unknown };
  /** Has the peer's stream end with this error: where the leader is now goes with it. */
  readonly fail: (error: Error) => void;
  readonly onOver: () => void;
}

/** Carries a peer's stream on to the leader, message by message in both directions, until one of the two has ended. */
export function relayStream<Up, Down>({ peer, leader, fail, onOver }: RelayEnds<Up, Down>): void {
  let isOver = false;
  const finish = (endPeer: () => void): void => {
    if (isOver) return;
    isOver = true;
    leader.cancel();
    endPeer();
    onOver();
  };
  const carry = <M>(to: { write(message: M, done?: () => void): unknown }) => {
    let unsent = 0;
    return (message: M): void => {
      if (isOver) return;
      unsent += 1;
      if (unsent > MAX_UNSENT) return finish(() => fail(new Error("the relay's other end reads too slowly")));
      to.write(message, () => {
        unsent -= 1;
      });
    };
  };
  peer.on("data", carry<Up>(leader));
  leader.on("data", carry<Down>(peer));
  // What it has said still goes out: the leader ends its own side then.
  peer.on("end", () => leader.end());
  peer.on("error", () => finish(() => undefined));
  peer.on("cancelled", () => finish(() => undefined));
  leader.on("error", (error) => finish(() => fail(error)));
  leader.on("end", () => finish(() => peer.end()));
}
