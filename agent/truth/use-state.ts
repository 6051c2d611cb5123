import type { DeviceUse } from "../../proto/generated/gpusched/v1/DeviceUse.ts";
import type { Use } from "./core/finding.ts";

/** As the wire calls it. */
export const DEVICE_USES: Readonly<Record<Use, DeviceUse>> = {
  free: "DEVICE_USE_FREE",
  "in-use": "DEVICE_USE_IN_USE",
  idle: "DEVICE_USE_IDLE",
  foreign: "DEVICE_USE_FOREIGN",
  orphan: "DEVICE_USE_ORPHAN",
  "lost-inside": "DEVICE_USE_LOST_INSIDE",
  "wrong-job": "DEVICE_USE_WRONG_JOB",
};
