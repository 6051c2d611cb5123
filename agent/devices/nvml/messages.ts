/** What the worker that holds the driver's library answers. */
import { z } from "zod";
import { asDeviceId } from "../../../base/ids.ts";

/** What the worker is asked for. `open` loads and initialises the library, and comes first. */
export type NvmlCall = "open" | "list" | "read";

const deviceSchema = z.strictObject({
  id: z.string().transform(asDeviceId),
  model: z.string(),
  memoryMb: z.number(),
  index: z.int(),
  pciBusId: z.string(),
  numaNode: z.number().optional(),
  island: z.int().optional(),
  slowdownC: z.number().optional(),
});

const readingSchema = z.strictObject({
  id: z.string().transform(asDeviceId),
  utilizationPercent: z.number().optional(),
  memoryUsedMb: z.number().optional(),
  temperatureC: z.number().optional(),
  powerW: z.number().optional(),
  isThrottling: z.boolean().optional(),
});

export const driverSchema = z.strictObject({ driverVersion: z.string() });

export const listSchema = z.strictObject({
  devices: z.array(deviceSchema),
  /** Sentences about devices that do not answer. */
  lost: z.array(z.string()),
});

export const readingsSchema = z.array(readingSchema);

export const answerSchema = z.union([
  z.strictObject({ value: z.unknown() }),
  /** `isAbsent`: the library or the driver is not there at all, so that asking again is of no use. */
  z.strictObject({ error: z.string(), isAbsent: z.boolean() }),
]);

export type NvmlList = z.input<typeof listSchema>;
export type NvmlReading = z.input<typeof readingSchema>;
export type NvmlAnswer = z.infer<typeof answerSchema>;
