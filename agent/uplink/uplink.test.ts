import { EventEmitter } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { silentLogger } from "../../base/logger.ts";
import type { AgentClient } from "./channel.ts";
import type { StreamHost } from "./control-stream.ts";
import type { Relay } from "./routes.ts";
import { pauseMs, Uplink } from "./uplink.ts";

afterEach(() => vi.useRealTimers());

const timing = { backoffBaseMs: 300, backoffMaxMs: 1_200 };
const pauses = (controllers: number, count: number) =>
  Array.from({ length: count }, (_, retry) => pauseMs(retry, controllers, timing));

test("a single controller is left alone for twice as long after each failure, up to a limit", () => {
  expect(pauses(1, 5)).toEqual([300, 600, 1_200, 1_200, 1_200]);
});

test("a round of several controllers takes as long as one retry of a single one", () => {
  expect(pauses(3, 12)).toEqual([100, 100, 100, 200, 200, 200, 400, 400, 400, 400, 400, 400]);
});

/** A network in which nobody answers, and whether a controller is reached is as it is told. */
function silentNetwork({ isReached }: { readonly isReached: boolean }) {
  vi.useFakeTimers();
  const dialled: string[] = [];
  const clientOf = (name: string): AgentClient => {
    const call = new EventEmitter();
    const cancel = () => void call.emit("status", {});
    Object.assign(call, { write: () => true, end: cancel, cancel });
    return {
      connect: () => {
        dialled.push(name);
        return call as never;
      },
      close: () => undefined,
    };
  };
  const known: { relay: Relay | undefined } = { relay: undefined };
  const uplink = new Uplink({
    controllers: ["a:1", "b:1"],
    host: {
      ready: () => Promise.resolve(),
      hello: () => ({}),
      onDisconnected: () => undefined,
    } as unknown as StreamHost,
    serveLogs: () => ({ close: () => Promise.resolve() }),
    relay: () => known.relay,
    dialling: {
      dial: clientOf,
      dialRelay: (address) => clientOf(`by way of ${address}`),
      isReached: () => Promise.resolve(isReached),
      random: () => 0,
    },
    log: silentLogger,
  });
  return { dialled, known, uplink };
}

test("a controller that is not reached is not waited for any longer once a peer would relay", async () => {
  const { dialled, known, uplink } = silentNetwork({ isReached: false });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(dialled).toEqual(["a:1"]);
  known.relay = { peer: "node-2", address: "node-2:1", leader: "a:1" };
  await vi.advanceTimersByTimeAsync(3_000);
  expect(dialled.slice(0, 2)).toEqual(["a:1", "by way of node-2:1"]);
  void uplink.close();
  await vi.advanceTimersByTimeAsync(20_000);
});

test("a controller that is reached has its time to answer, whoever would relay", async () => {
  const { dialled, known, uplink } = silentNetwork({ isReached: true });
  known.relay = { peer: "node-2", address: "node-2:1", leader: "a:1" };
  await vi.advanceTimersByTimeAsync(9_000);
  expect(dialled).toEqual(["a:1"]);
  void uplink.close();
  await vi.advanceTimersByTimeAsync(20_000);
});
