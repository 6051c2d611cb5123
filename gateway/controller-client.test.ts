import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Metadata, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { parseAddress } from "../base/address.ts";
import { present } from "../base/assert.ts";
import { ServiceStack } from "../base/service.ts";
import { errorDetailTrailers } from "../proto/error-detail.ts";
import { LEADER_TRAILER } from "../proto/load.ts";
import { type FakeScheduler, Refusal, type Script, startFakeScheduler } from "../test/support/fake-scheduler.ts";
import { sampleJob } from "../test/support/scheduler-samples.ts";
import { ControllerClient, scheduler } from "./controller-client.ts";

const stack = new ServiceStack();
afterEach(() => stack.close());

async function fake(script: Script = {}): Promise<FakeScheduler> {
  return stack.add(await startFakeScheduler(script));
}

function clientOf(...controllers: string[]): ControllerClient {
  return stack.add(new ControllerClient(controllers));
}

/** An address where nothing listens any more. */
async function deadAddress(): Promise<string> {
  const gone = await startFakeScheduler();
  await gone.close();
  return gone.address;
}

/** A follower: it refuses everything, and knows who leads, if an address is given. */
function follower(leader?: string): Script {
  const metadata = new Metadata();
  if (leader !== undefined) metadata.set(LEADER_TRAILER, leader);
  const refuse = () => new Refusal(status.UNAVAILABLE, "not the leader", { metadata });
  return { SubmitJob: refuse, GetJob: refuse, StreamLogs: refuse };
}

/** The address of a controller whose connections break as soon as it has received the call, before any answer. */
async function breakingAt(method: string): Promise<string> {
  const sockets = new Set<Socket>();
  const source = await fake({ [method]: () => sockets.forEach((socket) => socket.destroy()) });
  const { host, port } = present(parseAddress(source.address), "the address");
  const relay = createServer((socket) => {
    sockets.add(socket);
    const onward = connect({ host, port });
    socket.on("error", () => onward.destroy()).pipe(onward);
    onward.on("error", () => socket.destroy()).pipe(socket);
  });
  relay.listen({ host, port: 0 });
  await once(relay, "listening");
  stack.add({ close: async () => void relay.close() });
  return `${host}:${(relay.address() as AddressInfo).port}`;
}

const job = { job_id: sampleJob.id };

test("a follower's hint leads to the leader, who is asked first from then on", async () => {
  const leader = await fake();
  const first = await fake(follower(leader.address));
  const client = clientOf(first.address);
  expect((await client.call(scheduler.SubmitJob, { spec: null })).job_id).toBe(sampleJob.id);
  await client.call(scheduler.GetJob, job);
  expect(first.received("GetJob")).toHaveLength(0);
  expect(leader.received("GetJob")).toHaveLength(1);
});

test("the next controller is asked where one cannot be reached, even to submit: nothing was sent", async () => {
  const living = await fake();
  const client = clientOf(await deadAddress(), living.address);
  expect((await client.call(scheduler.SubmitJob, { spec: null })).job_id).toBe(sampleJob.id);
});

test("followers that know no leader, or only each other, are asked once each; then it is unavailable", async () => {
  const lost = await fake(follower());
  const misled = await fake(follower(lost.address));
  const client = clientOf(misled.address, lost.address);
  await expect(client.call(scheduler.GetJob, job)).rejects.toMatchObject({ code: "unavailable" });
  expect([misled, lost].map((one) => one.received("GetJob").length)).toEqual([1, 1]);
});

describe("when the connection breaks after the request has arrived", () => {
  test("a submission is not sent again: it could be made twice", async () => {
    const other = await fake();
    const client = clientOf(await breakingAt("SubmitJob"), other.address);
    await expect(client.call(scheduler.SubmitJob, { spec: null })).rejects.toMatchObject({ code: "unavailable" });
    expect(other.received("SubmitJob")).toHaveLength(0);
  });

  test("a question is asked again", async () => {
    const other = await fake();
    const client = clientOf(await breakingAt("GetJob"), other.address);
    expect((await client.call(scheduler.GetJob, job)).id).toBe(sampleJob.id);
  });
});

test("a controller that comes back is used again without a new client", async () => {
  const first = await startFakeScheduler();
  const client = clientOf(first.address);
  await client.call(scheduler.GetJob, job);
  await first.close();
  await expect(client.call(scheduler.GetJob, job)).rejects.toMatchObject({ code: "unavailable" });
  stack.add(await startFakeScheduler({}, first.address));
  await expect
    .poll(
      () =>
        client.call(scheduler.GetJob, job).then(
          ({ id }) => id,
          () => "unavailable",
        ),
      { timeout: 10_000 },
    )
    .toBe(sampleJob.id);
});

describe("a refusal keeps its sentence and fields", () => {
  test.each([
    [status.INVALID_ARGUMENT, "invalid"],
    [status.NOT_FOUND, "not_found"],
    [status.PERMISSION_DENIED, "forbidden"],
    [status.FAILED_PRECONDITION, "conflict"],
  ])("gRPC status %s is %s", async (grpcStatus, code) => {
    const fields = [{ field: "gpu_count", message: "is too much" }];
    const client = clientOf((await fake({ GetJob: () => new Refusal(grpcStatus, "no", { fields }) })).address);
    await expect(client.call(scheduler.GetJob, job)).rejects.toMatchObject({ code, message: "no", fields });
  });

  test("a node that is away is told by its sentence, and no other controller is asked", async () => {
    const metadata = errorDetailTrailers({ code: "node_away", fields: [] });
    const leader = await fake({ GetJob: () => new Refusal(status.UNAVAILABLE, "Node n-1 is away", { metadata }) });
    const other = await fake();
    const client = clientOf(leader.address, other.address);
    for (let time = 1; time <= 2; time += 1) {
      const failure = client.call(scheduler.GetJob, job);
      await expect(failure).rejects.toMatchObject({ code: "node_away", message: "Node n-1 is away" });
    }
    expect([leader, other].map((one) => one.received("GetJob").length)).toEqual([2, 0]);
  });

  test.each([
    [status.RESOURCE_EXHAUSTED, "overloaded"],
    [status.DEADLINE_EXCEEDED, "unavailable"],
    [status.INTERNAL, "internal"],
    [status.UNKNOWN, "internal"],
    [status.UNIMPLEMENTED, "internal"],
  ])("but for gRPC status %s, %s, which may tell of the inside", async (grpcStatus, code) => {
    const client = clientOf((await fake({ GetJob: () => new Refusal(grpcStatus, "at 10.0.0.7") })).address);
    const failure = client.call(scheduler.GetJob, job);
    await expect(failure).rejects.toMatchObject({ code });
    await expect(failure).rejects.not.toThrow("10.0.0.7");
  });
});

describe("logs", () => {
  const open = (client: ControllerClient, signal = new AbortController().signal) =>
    client.openLogs({ job_id: sampleJob.id, follow: true }, signal);

  test("are opened at the leader that a follower names", async () => {
    const leader = await fake();
    const stream = await open(clientOf((await fake(follower(leader.address))).address));
    const texts: string[] = [];
    for await (const { data } of stream) texts.push(data.toString());
    expect(texts.join("")).toBe("hello\nworld\n");
  });

  test("that are empty are opened all the same", async () => {
    const stream = await open(clientOf((await fake({ StreamLogs: () => ({ chunks: [] }) })).address));
    expect(await stream.toArray()).toEqual([]);
  });

  test("of no job fail before anything is read", async () => {
    const refuse = () => new Refusal(status.NOT_FOUND, "Job not found");
    const client = clientOf((await fake({ StreamLogs: refuse })).address);
    await expect(open(client)).rejects.toMatchObject({ code: "not_found", message: "Job not found" });
  });

  test("are cancelled by the signal", async () => {
    const source = await fake({ StreamLogs: () => ({ chunks: ["x"], staysOpen: true }) });
    const reader = new AbortController();
    const stream = await open(clientOf(source.address), reader.signal);
    reader.abort();
    await expect(stream.toArray()).rejects.toMatchObject({ code: status.CANCELLED });
    await expect.poll(() => source.cancelledStreams()).toBe(1);
  });
});
