import { expect, test } from "vitest";
import { readOptions } from "../base/options.ts";
import {
  agentOptions,
  controllerOptions,
  devOptions,
  gatewayOptions,
  simulatedGpus,
  unsupportedByAgent,
  unsupportedByController,
  unsupportedByDev,
  unsupportedByGateway,
} from "./options.ts";

const nothing = { args: [], environment: {} };

test.each([
  ["4", { count: 4, memoryMb: 81_920 }],
  ["0", { count: 0, memoryMb: 81_920 }],
  ["8x24576MB", { count: 8, memoryMb: 24_576 }],
  ["2x16000", { count: 2, memoryMb: 16_000 }],
])("%s simulates so many GPUs", (text, gpus) => {
  expect(simulatedGpus.parse(text)).toEqual(gpus);
});

test.each(["", "x", "-1", "1025", "4x", "4x0MB", "4x80GB", "4.5"])("%j simulates nothing", (text) => {
  expect(simulatedGpus.parse(text)).toBeUndefined();
});

test("the defaults of every role are values of their kind, and stay on this host", () => {
  expect(readOptions(devOptions, unsupportedByDev, nothing)).toMatchObject({
    host: "127.0.0.1",
    httpPort: 8080,
    grpcPort: 9090,
    heartbeat: 5_000,
    nodeUnreachableAfter: 15_000,
    nodeLostAfter: 300_000,
    rateLimit: 100,
    executor: undefined,
    insecure: false,
  });
  const controller = readOptions(controllerOptions, unsupportedByController, nothing);
  expect(controller).toMatchObject({ listen: "127.0.0.1:9090", insecure: false });
  const gateway = readOptions(gatewayOptions, unsupportedByGateway, nothing);
  expect(gateway).toMatchObject({ listen: "127.0.0.1:8080", controllers: ["127.0.0.1:9090"], insecure: false });
  const agent = readOptions(agentOptions, unsupportedByAgent, nothing);
  expect(agent).toMatchObject({ controllers: ["127.0.0.1:9090"], executor: "docker", labels: {} });
});
