import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** Runs `body` as a role, with `services`, `stopping` and `say` at hand; resolves once it has said "running". */
async function startRole(body: string) {
  const program = `
    import { createLogger } from ${JSON.stringify(join(import.meta.dirname, "../base/logger.ts"))};
    import { runUntilStopped } from ${JSON.stringify(join(import.meta.dirname, "shutdown.ts"))};
    const say = (line) => process.stdout.write(line + "\\n");
    const keepsRunning = setInterval(() => {}, 1_000);
    const run = async (services, stopping) => { ${body} };
    process.exit(await runUntilStopped(run, createLogger({ level: "info", format: "json" })));
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const outcome = Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]).then(
    ([[code], stdout, stderr]) => ({ code, stdout, stderr }),
  );
  const running = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk) => String(chunk).includes("running") && resolve());
  });
  await Promise.race([running, outcome]);
  return { child, outcome };
}

const TWO_SERVICES = `
  services.add({ close: async () => say("first closed") });
  services.add({ close: async () => say("second closed") });
  say("running");
`;

test.each(["SIGTERM", "SIGINT"] as const)("%s closes in reverse order and ends with code 0", async (signal) => {
  const { child, outcome } = await startRole(`${TWO_SERVICES} return new Promise(() => {});`);
  child.kill(signal);
  expect(await outcome).toMatchObject({ code: 0, stdout: "running\nsecond closed\nfirst closed\n" });
});

test("a signal while the role is still starting closes what has started, and tells the rest", async () => {
  const { child, outcome } = await startRole(`
    ${TWO_SERVICES}
    stopping.addEventListener("abort", () => say("told"));
    return new Promise(() => {});
  `);
  child.kill("SIGTERM");
  expect(await outcome).toMatchObject({ code: 0, stdout: "running\ntold\nsecond closed\nfirst closed\n" });
});

test("a second signal ends the process at once", async () => {
  const { child, outcome } = await startRole(`
    services.add({ close: () => { process.kill(process.pid, "SIGTERM"); return new Promise(() => {}); } });
    say("running");
    return new Promise(() => {});
  `);
  child.kill("SIGTERM");
  expect(await outcome).toMatchObject({ code: 143 });
});

test("a failure of the role is logged, everything is closed, and the code is 1", async () => {
  const { outcome } = await startRole(`${TWO_SERVICES} return new Error("another controller leads");`);
  const { code, stdout, stderr } = await outcome;
  expect(code).toBe(1);
  expect(stdout).toBe("running\nsecond closed\nfirst closed\n");
  expect(stderr).toMatch(/another controller leads/);
});

test("a role that cannot start closes what had started", async () => {
  const { outcome } = await startRole(`${TWO_SERVICES} throw new Error("the port is taken");`);
  const { code, stdout, stderr } = await outcome;
  expect(code).not.toBe(0);
  expect(stdout).toBe("running\nsecond closed\nfirst closed\n");
  expect(stderr).toMatch(/the port is taken/);
});

test("a service that cannot be closed makes the code 1, and the others are closed all the same", async () => {
  const { child, outcome } = await startRole(`
    services.add({ close: async () => say("closed") });
    services.add({ close: async () => { throw new Error("stuck"); } });
    say("running");
    return new Promise(() => {});
  `);
  child.kill("SIGTERM");
  expect(await outcome).toMatchObject({ code: 1, stdout: "running\nclosed\n", stderr: expect.stringMatching(/stuck/) });
});

test.each([
  ["an exception that nobody caught", 'setImmediate(() => { throw new Error("a bug"); });'],
  ["a rejection that nobody handled", 'Promise.reject(new Error("a bug"));'],
])("%s is logged and ends the process with code 70", async (_, statement) => {
  const { outcome } = await startRole(`say("running"); ${statement} return new Promise(() => {});`);
  const { code, stderr } = await outcome;
  expect(code).toBe(70);
  expect(stderr).toMatch(/"level":60.*a bug/);
});
