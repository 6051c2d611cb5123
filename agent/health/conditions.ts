/** What a controller is told of each device: the one place where health and use become a condition. */
import type { DeviceId } from "../../base/ids.ts";
import type { DeviceCondition } from "../../proto/generated/gpusched/v1/DeviceCondition.ts";
import type { DeviceHealth } from "../../proto/generated/gpusched/v1/DeviceHealth.ts";
import type { DeviceUse } from "../../proto/generated/gpusched/v1/DeviceUse.ts";
import type { Health, HealthState } from "./device-record.ts";

/** What devices that are suspect are to be used for: nothing, or as if nothing were. */
export type SuspectAnswer = "avoid" | "use";

/** What is on a device, and whether that keeps it from jobs. */
export interface UseState {
  readonly use: DeviceUse;
  /** What was found on it; empty where there is nothing to say. */
  readonly reason: string;
  /** Why no job is given it for that; empty when it may be given out. */
  readonly withheld: string;
}

/** The device as a controller is told of it. */
export function conditionOf(
  id: DeviceId,
  state: HealthState,
  use: UseState | undefined,
  suspects: SuspectAnswer,
): DeviceCondition {
  const { health, owner, reason, wayBack, sinceMs } = state;
  return {
    id,
    health: HEALTH[health],
    owner,
    reason,
    way_back: wayBack,
    since_ms: Math.round(sinceMs),
    use: use?.use ?? "DEVICE_USE_UNSPECIFIED",
    use_reason: use?.reason ?? "",
    withheld: withheldBy(state, suspects) || (use?.withheld ?? ""),
  };
}

function withheldBy({ health, reason }: HealthState, suspects: SuspectAnswer): string {
  if (health === "healthy" || (health === "suspect" && suspects === "use")) return "";
  return `${health}: ${reason}`;
}

const HEALTH: Readonly<Record<Health, DeviceHealth>> = {
  healthy: "DEVICE_HEALTH_HEALTHY",
  suspect: "DEVICE_HEALTH_SUSPECT",
  unhealthy: "DEVICE_HEALTH_UNHEALTHY",
  quarantined: "DEVICE_HEALTH_QUARANTINED",
};
