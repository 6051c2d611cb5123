import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { relayStream } from "./relay-stream.ts";

/** One end of a stream, which takes what it is given as fast as the test lets it. */
class FakeEnd extends EventEmitter {
  readonly written: string[] = [];
  readonly done: (() => void)[] = [];
  ended = 0;
  cancelled = 0;

  write(message: string, done?: () => void): void {
    this.written.push(message);
    if (done) this.done.push(done);
  }

  end(): void {
    this.ended += 1;
  }

  cancel(): void {
    this.cancelled += 1;
  }
}

function relayed() {
  const [peer, leader] = [new FakeEnd(), new FakeEnd()];
  const failures: string[] = [];
  const over = { times: 0 };
  relayStream<string, string>({
    peer,
    leader,
    fail: ({ message }) => failures.push(message),
    onOver: () => (over.times += 1),
  });
  return { peer, leader, failures, over };
}

test("messages go both ways, in order", () => {
  const { peer, leader } = relayed();
  for (const word of ["hello", "heartbeat"]) peer.emit("data", word);
  leader.emit("data", "welcome");
  expect([leader.written, peer.written]).toEqual([["hello", "heartbeat"], ["welcome"]]);
});

test("the leader's end is the peer's, with the leader's error", () => {
  const one = relayed();
  one.leader.emit("error", new Error("this controller does not lead"));
  expect([one.failures, one.over.times]).toEqual([["this controller does not lead"], 1]);
  const other = relayed();
  other.leader.emit("end");
  expect([other.peer.ended, other.failures, other.over.times]).toEqual([1, [], 1]);
});

test("a peer that ends its side lets the leader finish; one that is gone ends the leader's stream", () => {
  const { peer, leader, over } = relayed();
  peer.emit("end");
  expect([leader.ended, leader.cancelled]).toEqual([1, 0]);
  peer.emit("cancelled");
  expect([leader.cancelled, over.times]).toEqual([1, 1]);
  leader.emit("error", new Error("cancelled"));
  expect(over.times).toBe(1);
});

test("who does not read what comes is given up instead of remembered without end", () => {
  const { peer, leader, failures } = relayed();
  for (let count = 0; count <= 1_000; count += 1) peer.emit("data", "report");
  expect(leader.written).toHaveLength(1_000);
  expect(failures).toEqual(["the relay's other end reads too slowly"]);
});
