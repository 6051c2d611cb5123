import { describe, expect, test } from "vitest";
import { asDeviceId, asJobId } from "../../../base/ids.ts";
import type { Occupant } from "../../executor/executor.ts";
import { type Answers, DEFAULT_ANSWERS, parseAnswers } from "./answers.ts";
import type { DriverProcess, HostProcess, SeenAllocation, SeenDevice, Sighting } from "./sighting.ts";
import { type Insight, Truth } from "./truth.ts";

const AGENT = "agent-a";
const C1 = "1".repeat(64);
const C2 = "2".repeat(64);
const DEVICES = [device("gpu-1"), device("gpu-2")];

function device(id: string, more: Partial<SeenDevice> = {}): SeenDevice {
  return { id, parentId: undefined, namesProcesses: true, memoryUsedMb: undefined, ...more };
}

function key(job: number, attempt = 1) {
  return { jobId: asJobId(`job-${job}`), attempt, rank: 0 };
}

function allocation(job: number, deviceIds: readonly string[], more: Partial<SeenAllocation> = {}): SeenAllocation {
  return { key: key(job), deviceIds, phase: "running", startedAtMs: 0, stopping: false, ...more };
}

function container(id: string, job: number, deviceIds: readonly string[], more: Partial<Occupant> = {}): Occupant {
  const ids = deviceIds.map(asDeviceId);
  return { id, kind: "container", agentId: AGENT, key: key(job), deviceIds: ids, isRunning: true, ...more };
}

function on(deviceId: string, pid: number, more: Partial<DriverProcess> = {}): DriverProcess {
  return { pid, deviceId, memoryMb: 642, kind: "compute", ...more };
}

function hosted(pid: number, more: Partial<HostProcess> = {}): HostProcess {
  const base = {
    pid,
    startTicks: 100 + pid,
    command: "python",
    user: "anna",
    session: pid,
    leaderStartTicks: 100 + pid,
  };
  return { ...base, containerIds: [], ...more };
}

type Seen = Partial<Omit<Sighting, "hostProcesses">> & { readonly host?: readonly HostProcess[] };

/** A truth that looks again and again, each time two seconds later. */
function looking(answers: Answers = DEFAULT_ANSWERS, ignoredPrograms: readonly string[] = ["Xorg"]) {
  const truth = new Truth({ agentId: AGENT, answers, ignoredPrograms });
  let atMs = 0;
  const look = ({ host = [], ...seen }: Seen): Insight => {
    atMs += 2_000;
    const hostProcesses = new Map(host.map((process) => [process.pid, process]));
    const nothing = { devices: DEVICES, processes: [], occupants: [], allocations: [] };
    return truth.observe({ ...nothing, hostProcesses, atMs, wallMs: atMs, ...seen });
  };
  const uses = (seen: Seen) => look(seen).devices.map(({ use }) => use);
  return { truth, look, uses };
}

test("a container that has ended and is gone is no orphan, also where the driver names no processes", () => {
  const { look } = looking();
  const running = { processes: undefined, occupants: [container(C1, 1, ["gpu-1"])] };
  look({ ...running, allocations: [allocation(1, ["gpu-1"])] });
  const gone = { processes: undefined, occupants: [], allocations: [] };
  for (let more = 0; more < 3; more += 1) {
    expect(look(gone)).toMatchObject({ devices: [{ use: "free", withheld: "" }, { use: "free" }], deeds: [] });
  }
});

describe("a device", () => {
  test("is free, and in use when a process of the job that has it is on it", () => {
    const { look } = looking();
    const seen = {
      processes: [on("gpu-1", 7)],
      host: [hosted(7, { containerIds: [C1] })],
      occupants: [container(C1, 1, ["gpu-1"])],
      allocations: [allocation(1, ["gpu-1"])],
    };
    look(seen);
    expect(look(seen).devices).toEqual([
      { id: "gpu-1", use: "in-use", reason: "granted to job-1 (attempt 1)", withheld: "" },
      { id: "gpu-2", use: "free", reason: "", withheld: "" },
    ]);
  });

  test("with a foreign process is kept from jobs from the second look on, and free when that is gone", () => {
    const { look, uses } = looking();
    const seen = { processes: [on("gpu-1", 7)], host: [hosted(7)] };
    const first = look(seen);
    expect([first.devices[0]?.use, first.isOpen]).toEqual(["free", true]);
    const second = look(seen);
    const sentence = "on it and of no job: python (pid 7, user anna), which has 642 MB of its memory";
    expect(second.devices[0]).toEqual({ id: "gpu-1", use: "foreign", reason: sentence, withheld: sentence });
    expect(second.deeds).toMatchObject([{ kind: "found", finding: { kind: "foreign" } }]);
    expect(look(seen).deeds).toEqual([]);
    expect(uses({})).toEqual(["free", "free"]);
  });

  test("is not judged by processes of one pid that are not the same", () => {
    const { uses } = looking();
    for (let startTicks = 0; startTicks < 5; startTicks++) {
      expect(uses({ processes: [on("gpu-1", 7)], host: [hosted(7, { startTicks })] })).toEqual(["free", "free"]);
    }
  });

  test("has a container of nobody, or of another agent, as foreign", () => {
    const { look } = looking();
    const seen = {
      processes: [on("gpu-1", 7), on("gpu-2", 8)],
      host: [hosted(7, { containerIds: [C1] }), hosted(8, { containerIds: [C2] })],
      occupants: [container(C2, 5, ["gpu-2"], { agentId: "agent-b" })],
    };
    look(seen);
    expect(look(seen).devices).toMatchObject([
      { use: "foreign", reason: expect.stringContaining("in container 111111111111") },
      { use: "foreign", reason: expect.stringContaining("a process of job-5 (attempt 1) of another agent (agent-b)") },
    ]);
  });

  test("has a job's process that was granted another as the wrong job's, which is only told", () => {
    const { look } = looking();
    const seen = {
      processes: [on("gpu-2", 7), on("gpu-1", 7)],
      host: [hosted(7, { containerIds: [C1] })],
      occupants: [container(C1, 1, ["gpu-1"])],
      allocations: [allocation(1, ["gpu-1"])],
    };
    look(seen);
    expect(look(seen).devices).toMatchObject([{ use: "in-use" }, { use: "wrong-job", withheld: "" }]);
  });

  test("of which the driver names no processes is in use by what was granted", () => {
    const { uses } = looking();
    const devices = DEVICES.map(({ id }) => device(id, { namesProcesses: false }));
    const seen = { devices, allocations: [allocation(1, ["gpu-1"])] };
    uses(seen);
    expect(uses(seen)).toEqual(["in-use", "free"]);
  });

  test("keeps its word while the driver does not answer", () => {
    const { look, uses } = looking();
    const seen = { processes: [on("gpu-1", 7)], host: [hosted(7)] };
    look(seen);
    look(seen);
    expect(uses({ processes: undefined })).toEqual(["foreign", "free"]);
  });
});

describe("a granted device", () => {
  const granted = {
    occupants: [container(C1, 1, ["gpu-1"])],
    allocations: [allocation(1, ["gpu-1"], { startedAtMs: 1_500 })],
  };

  test("without a process of its job is idle, since that was last there", () => {
    const { look } = looking();
    look(granted);
    expect(look(granted).devices[0]).toMatchObject({
      use: "idle",
      reason: "granted to job-1 (attempt 1), of which no process has been on it since 1970-01-01T00:00:01Z",
    });
    look({ ...granted, processes: [on("gpu-1", 7)], host: [hosted(7, { containerIds: [C1] })] });
    look(granted);
    expect(look(granted).devices[0]?.reason).toContain("since 1970-01-01T00:00:06Z");
  });

  test("is said to be idle in the log after ten minutes", () => {
    const { look } = looking();
    const found = Array.from({ length: 310 }, () => look(granted).deeds.filter(({ kind }) => kind === "found").length);
    expect(found.indexOf(1)).toBe(300);
    expect(found.filter(Boolean)).toHaveLength(1);
  });

  test.each<[string, Partial<SeenAllocation>]>([
    ["begins", { phase: "starting" }],
    ["is asked to end", { stopping: true }],
  ])("is not idle when its job %s", (_, more) => {
    const { uses } = looking();
    const seen = { ...granted, allocations: [allocation(1, ["gpu-1"], more)] };
    uses(seen);
    expect(uses(seen)).toEqual(["in-use", "free"]);
  });

  test("is not idle while one of those who share it uses it, or its memory is in use", () => {
    const { uses } = looking();
    const shared = {
      processes: [on("gpu-1", 7)],
      host: [hosted(7, { containerIds: [C1] })],
      occupants: [container(C1, 1, ["gpu-1"]), container(C2, 2, ["gpu-1"])],
      allocations: [allocation(1, ["gpu-1"]), allocation(2, ["gpu-1"])],
    };
    uses(shared);
    expect(uses(shared)).toEqual(["in-use", "free"]);
    const full = { ...granted, devices: [device("gpu-1", { memoryUsedMb: 9_000 })] };
    uses(full);
    expect(uses(full)).toEqual(["in-use"]);
  });

  test("with a process that the agent cannot see is taken to be its job's; one that is free has it as foreign", () => {
    const { uses } = looking();
    const seen = { ...granted, processes: [on("gpu-1", 4_711), on("gpu-2", 0)] };
    uses(seen);
    expect(uses(seen)).toEqual(["in-use", "foreign"]);
  });
});

describe("processes that are passed over", () => {
  test.each([
    ["NVIDIA's daemon for sharing", hosted(7, { command: "nvidia-cuda-mps-server" }), 9_000, "free"],
    ["a screen's", hosted(7, { command: "Xorg" }), 300, "free"],
    ["a screen's that takes too much", hosted(7, { command: "Xorg" }), 1_025, "foreign"],
    ["others", hosted(7, { command: "Xorg2" }), 1, "foreign"],
  ])("%s", (_, process, memoryMb, use) => {
    const { uses } = looking();
    const seen = { processes: [on("gpu-1", 7, { memoryMb, kind: "graphics" })], host: [process] };
    uses(seen);
    expect(uses(seen)[0]).toBe(use);
  });
});

describe("slices", () => {
  const devices = [device("MIG-1", { parentId: "GPU-1" }), device("MIG-2", { parentId: "GPU-1" })];
  const granted = {
    devices,
    host: [hosted(7, { containerIds: [C1] }), hosted(8)],
    occupants: [container(C1, 1, ["MIG-1"])],
    allocations: [allocation(1, ["MIG-1"])],
  };

  test("are told apart where the driver does", () => {
    const { uses } = looking();
    const seen = { ...granted, processes: [on("MIG-1", 7), on("MIG-2", 8)] };
    uses(seen);
    expect(uses(seen)).toEqual(["in-use", "foreign"]);
  });

  test("share what the driver names of their GPU alone", () => {
    const { uses } = looking();
    const seen = { ...granted, processes: [on("GPU-1", 7)] };
    uses(seen);
    expect(uses(seen)).toEqual(["in-use", "free"]);
    const foreign = { ...granted, processes: [on("GPU-1", 7), on("GPU-1", 8)] };
    uses(foreign);
    expect(uses(foreign)).toEqual(["foreign", "foreign"]);
  });
});

describe("an orphan", () => {
  const over = {
    occupants: [container(C1, 1, ["gpu-1"])],
    allocations: [allocation(1, ["gpu-1"], { phase: "ended" })],
  };

  test("is killed at the second look, and again ten seconds later", () => {
    const { look } = looking();
    expect(look(over).deeds).toEqual([]);
    const second = look(over);
    expect(second.devices[0]).toMatchObject({ use: "orphan", withheld: expect.stringContaining("which is over") });
    expect(second.deeds).toMatchObject([{ kind: "found" }, { kind: "reap", unit: { id: C1 }, processes: [] }]);
    const kinds = Array.from({ length: 6 }, () => look(over).deeds.map(({ kind }) => kind));
    expect(kinds).toEqual([[], [], [], [], ["reap"], []]);
  });

  test("is one that was released, too; its engine must have answered", () => {
    const { look } = looking();
    look(over);
    const released = { ...over, allocations: [] };
    expect(look({ ...released, occupants: undefined }).deeds.map(({ kind }) => kind)).not.toContain("reap");
    expect(look(released).deeds.map(({ kind }) => kind)).toContain("reap");
  });

  test("that the agent does not know is left to the leader, unless a later attempt is known", () => {
    const { look } = looking();
    const unknown = { occupants: over.occupants };
    look(unknown);
    expect(look(unknown).deeds.map(({ kind }) => kind)).toEqual(["found", "claim"]);
    const later = { ...unknown, allocations: [allocation(1, ["gpu-2"], { key: key(1, 2) })] };
    look(later);
    expect(look(later).deeds.map(({ kind }) => kind)).toContain("reap");
  });

  test("is what is left of a container that the engine has forgotten, known from before", () => {
    const { look } = looking();
    const process = { processes: [on("gpu-1", 7)], host: [hosted(7, { containerIds: [C1] })] };
    look({ ...process, occupants: over.occupants, allocations: [allocation(1, ["gpu-1"])] });
    const left = { ...process, allocations: over.allocations };
    look(left);
    expect(look(left).deeds).toContainEqual(
      expect.objectContaining({ kind: "reap", processes: [{ pid: 7, startTicks: 107 }] }),
    );
  });

  test("is what is left of a session whose leader has ended, if it was in it before", () => {
    const { look, uses } = looking();
    const session = container("50:150", 1, ["gpu-1"], { kind: "session" });
    const member = hosted(7, { session: 50, leaderStartTicks: 150 });
    look({
      processes: [on("gpu-1", 7)],
      host: [member],
      occupants: [session],
      allocations: [allocation(1, ["gpu-1"])],
    });
    const orphaned = { ...member, leaderStartTicks: undefined };
    const newcomer = hosted(8, { session: 50, leaderStartTicks: undefined });
    const left = {
      processes: [on("gpu-1", 7), on("gpu-2", 8)],
      host: [orphaned, newcomer],
      occupants: [{ ...session, isRunning: false }],
      allocations: over.allocations,
    };
    look(left);
    expect(uses(left)).toEqual(["orphan", "foreign"]);
  });

  test("of another agent never is one", () => {
    const { look } = looking();
    const seen = { ...over, occupants: [container(C1, 1, ["gpu-1"], { agentId: "agent-b" })] };
    look(seen);
    expect(look(seen)).toMatchObject({ devices: [{ use: "free" }, { use: "free" }], deeds: [] });
  });
});

describe("a job that has lost its device", () => {
  const granted = { occupants: [container(C1, 1, ["gpu-1"])], allocations: [allocation(1, ["gpu-1"])] };
  const active = { ...granted, processes: [on("gpu-1", 7)], host: [hosted(7, { containerIds: [C1] })] };
  const asked = ({ deeds }: Insight) => deeds.flatMap((deed) => (deed.kind === "ask" ? [deed.question.mayRun] : []));

  test("is given up when it had it, has no process on it, and twice does not see it", () => {
    const { truth, look } = looking();
    expect(asked(look(active))).toEqual([false]);
    expect(asked(look(active))).toEqual([]);
    expect(asked(look(granted))).toEqual([true]);
    truth.onView(key(1), false);
    expect(asked(look(granted))).toEqual([true]);
    truth.onView(key(1), false);
    look(granted);
    const last = look(granted);
    expect(last.devices[0]).toMatchObject({ use: "lost-inside", withheld: "" });
    expect(last.deeds).toContainEqual(expect.objectContaining({ kind: "restart", key: key(1) }));
  });

  test("is left alone while a process of it is there, when it never had it, and when it sees it after all", () => {
    const { truth, look } = looking();
    const kinds = (seen: Seen) =>
      [...look(seen).deeds, ...look(seen).deeds, ...look(seen).deeds].map(({ kind }) => kind);
    look(granted);
    truth.onView(key(1), false);
    truth.onView(key(1), false);
    expect(kinds(granted)).not.toContain("restart");
    look(active);
    truth.onView(key(1), false);
    truth.onView(key(1), false);
    expect(kinds(active)).not.toContain("restart");
    truth.onView(key(1), true);
    expect(kinds(granted)).not.toContain("restart");
  });
});

describe("answers", () => {
  test("are as by default where they are not named", () => {
    expect(parseAnswers("foreign=warn, orphan=avoid")).toEqual({
      ...DEFAULT_ANSWERS,
      foreign: "warn",
      orphan: "avoid",
    });
    expect(parseAnswers("")).toEqual(DEFAULT_ANSWERS);
  });

  test.each(["foreign=reap", "foreign", "foreign=warn=avoid", "idle=restart", "stranger=warn", "wrong-job=reap"])(
    "%s is none",
    (text) => expect(parseAnswers(text)).toBeUndefined(),
  );

  test("of which one only warns keeps nothing from jobs, and kills nothing", () => {
    const { look } = looking({ ...DEFAULT_ANSWERS, orphan: "warn", foreign: "warn" });
    const seen = {
      processes: [on("gpu-2", 7)],
      host: [hosted(7)],
      occupants: [container(C1, 1, ["gpu-1"])],
      allocations: [allocation(1, [], { phase: "ended" })],
    };
    look(seen);
    expect(look(seen)).toMatchObject({
      devices: [
        { use: "orphan", withheld: "" },
        { use: "foreign", withheld: "" },
      ],
      deeds: [{ kind: "found" }, { kind: "found" }],
    });
  });
});
