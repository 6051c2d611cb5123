/** How devices are, between the wire and the core. */
import { RequestError } from "../../../base/errors.ts";
import { asDeviceId } from "../../../base/ids.ts";
import type { DeviceCondition as ConditionMessage } from "../../../proto/generated/gpusched/v1/DeviceCondition.ts";
import type { DeviceCondition__Output } from "../../../proto/generated/gpusched/v1/DeviceCondition.ts";
import type { DeviceHealth } from "../../../proto/generated/gpusched/v1/DeviceHealth.ts";
import { DeviceUse } from "../../../proto/generated/gpusched/v1/DeviceUse.ts";
import type { DeviceCondition } from "../../core/model/device-condition.ts";

/** As many devices as an inventory may have, and as many again that should be there. */
const MAX_CONDITIONS = 2_048;
/** A longer sentence of an agent's is cut. */
const MAX_SENTENCE_CHARACTERS = 2_000;
const USE_PREFIX = "DEVICE_USE_";

/** @throws RequestError `invalid` when there are too many, or one without an id */
export function toConditions(messages: readonly DeviceCondition__Output[]): readonly DeviceCondition[] {
  if (messages.length > MAX_CONDITIONS) {
    throw new RequestError("invalid", `conditions has over ${MAX_CONDITIONS} items`);
  }
  if (messages.some(({ id }) => id === "")) throw new RequestError("invalid", "conditions must each have an id");
  return messages.map(toCondition);
}

function toCondition(message: DeviceCondition__Output): DeviceCondition {
  return {
    id: asDeviceId(message.id),
    health: HEALTH_OF[message.health],
    owner: sentence(message.owner),
    reason: sentence(message.reason),
    wayBack: sentence(message.way_back),
    since: message.since_ms,
    use: message.use.slice(USE_PREFIX.length).toLowerCase(),
    useReason: sentence(message.use_reason),
    withheld: sentence(message.withheld),
  };
}

function sentence(text: string): string {
  return text.length > MAX_SENTENCE_CHARACTERS ? `${text.slice(0, MAX_SENTENCE_CHARACTERS)}…` : text;
}

export function fromCondition(condition: DeviceCondition): ConditionMessage {
  const use = `${USE_PREFIX}${condition.use.toUpperCase()}`;
  return {
    id: condition.id,
    health: HEALTH[condition.health],
    owner: condition.owner,
    reason: condition.reason,
    way_back: condition.wayBack,
    since_ms: condition.since,
    use: Object.values(DeviceUse).find((word) => word === use) ?? "DEVICE_USE_UNSPECIFIED",
    use_reason: condition.useReason,
    withheld: condition.withheld,
  };
}

const HEALTH: Readonly<Record<DeviceCondition["health"], DeviceHealth>> = {
  healthy: "DEVICE_HEALTH_HEALTHY",
  suspect: "DEVICE_HEALTH_SUSPECT",
  unhealthy: "DEVICE_HEALTH_UNHEALTHY",
  quarantined: "DEVICE_HEALTH_QUARANTINED",
};

/** What an agent does not tell is not held against its device. */
const HEALTH_OF: Readonly<Record<DeviceCondition__Output["health"], DeviceCondition["health"]>> = {
  DEVICE_HEALTH_UNSPECIFIED: "healthy",
  DEVICE_HEALTH_HEALTHY: "healthy",
  DEVICE_HEALTH_SUSPECT: "suspect",
  DEVICE_HEALTH_UNHEALTHY: "unhealthy",
  DEVICE_HEALTH_QUARANTINED: "quarantined",
};
