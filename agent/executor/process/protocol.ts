/** What an executor and its runner say to each other: JSON values, one on each line. */
import { z } from "zod";
import { asDeviceId } from "../../../base/ids.ts";
import { statusSchema } from "./status.ts";

/** Raised when the two sides could misunderstand each other: a runner may be older than the agent. */
export const PROTOCOL_VERSION = 1;

/** A job as the runner starts it. */
const launchSchema = z.strictObject({
  /** The allocation's name. */
  name: z.string(),
  argv: z.array(z.string()).min(1),
  /** On top of the runner's own basics. */
  environment: z.record(z.string(), z.string()),
  deviceIds: z.array(z.string().transform(asDeviceId)),
  /** Only of a job that has a part of its device: an older runner does not know it. */
  gpuMilli: z.int().optional(),
  graceMs: z.number(),
  requeueOnNodeLost: z.boolean(),
  /** Only to a runner that says that it knows them: see `runner-features.ts`. */
  limits: z.strictObject({ memoryMb: z.number(), cpuCores: z.number() }).optional(),
});
export type Launch = z.infer<typeof launchSchema>;

/** To the runner. A hello comes first; the newest executor that says it replaces the one before. */
export const requestSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("hello"), version: z.literal(PROTOCOL_VERSION) }),
  z.strictObject({ kind: z.literal("launch"), launch: launchSchema }),
  z.strictObject({ kind: z.literal("stop"), name: z.string(), graceMs: z.number() }),
]);
export type Request = z.infer<typeof requestSchema>;

/** From the runner. */
export const newsSchema = z.discriminatedUnion("kind", [
  /** Answers the hello with every job that it has not told the end of. */
  z.strictObject({ kind: z.literal("welcome"), version: z.literal(PROTOCOL_VERSION), jobs: z.array(statusSchema) }),
  z.strictObject({ kind: z.literal("changed"), status: statusSchema }),
  /** Another executor said hello: this connection ends, and this executor must not come back. */
  z.strictObject({ kind: z.literal("replaced") }),
]);
export type News = z.infer<typeof newsSchema>;
