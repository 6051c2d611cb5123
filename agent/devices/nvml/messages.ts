/** What the worker that holds the driver's library answers. What the driver does not tell is absent. */
import { z } from "zod";
import { asDeviceId } from "../../../base/ids.ts";

/** What the worker is asked for. `open` loads and initialises the library, and comes first. */
export type NvmlCall = "open" | "list" | "read";

const id = z.string().transform(asDeviceId);

const deviceSchema = z.strictObject({
  id,
  model: z.string(),
  memoryMb: z.number(),
  index: z.int(),
  pciBusId: z.string(),
  slowdownC: z.number().optional(),
  parentId: id.optional(),
  migProfile: z.string().optional(),
  eccEnabled: z.boolean().optional(),
  powerLimitW: z.number().optional(),
  maxClockMhz: z.number().optional(),
});

const processSchema = z
  .strictObject({ pid: z.int(), memoryMb: z.number().optional(), kind: z.enum(["compute", "graphics"]) })
  .transform(({ pid, memoryMb, kind }) => ({ pid, memoryMb, kind }));

const readingSchema = z.strictObject({
  id,
  utilizationPercent: z.number().optional(),
  memoryUsedMb: z.number().optional(),
  temperatureC: z.number().optional(),
  powerW: z.number().optional(),
  isThrottling: z.boolean().optional(),
  memoryUtilizationPercent: z.number().optional(),
  clockMhz: z.number().optional(),
  memoryClockMhz: z.number().optional(),
  energyJ: z.number().optional(),
  slowdownMarginC: z.number().optional(),
  eccCorrected: z.number().optional(),
  eccUncorrected: z.number().optional(),
  processes: z.array(processSchema).optional(),
});

const eventSchema = z.strictObject({
  /** Of the GPU, or of the slice that it happened in. */
  id: id.optional(),
  pciBusId: z.string(),
  xid: z.int(),
});

export const driverSchema = z.strictObject({
  driverVersion: z.string(),
  cudaVersion: z.string(),
});

export const listSchema = z.strictObject({
  devices: z.array(deviceSchema),
  links: z.array(z.strictObject({ a: id, b: id, kind: z.string(), lanes: z.int() })),
  lost: z.array(
    z.strictObject({ id: id.optional(), pciBusId: z.string(), why: z.string(), isUncut: z.boolean().optional() }),
  ),
});

export const momentSchema = z.strictObject({ readings: z.array(readingSchema), events: z.array(eventSchema) });

export const answerSchema = z.union([
  z.strictObject({ value: z.unknown() }),
  /** `isAbsent`: the library or the driver is not there at all. */
  z.strictObject({ error: z.string(), isAbsent: z.boolean() }),
]);

export type NvmlDriver = z.input<typeof driverSchema>;
export type NvmlDevice = z.input<typeof deviceSchema>;
export type NvmlList = z.input<typeof listSchema>;
export type NvmlReading = z.input<typeof readingSchema>;
export type NvmlEvent = z.input<typeof eventSchema>;
export type NvmlMoment = z.input<typeof momentSchema>;
export type NvmlAnswer = z.infer<typeof answerSchema>;
