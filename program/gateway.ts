import { parseAddress } from "../base/address.ts";
import { present } from "../base/assert.ts";
import { startGateway } from "../gateway/gateway.ts";
import { checkExposure } from "./exposure.ts";
import { gatewayOptions, unsupportedByGateway } from "./options.ts";
import { defineRole, untilStopped } from "./role.ts";

/** `gpusched gateway`. */
export const gatewayRole = defineRole({
  summary: "serves the REST API; any number of them may run",
  options: gatewayOptions,
  unsupported: unsupportedByGateway,
  async run(values, { services, manager, log }) {
    const { host } = present(parseAddress(values.listen), "the address to listen on");
    checkExposure("the REST API", host, values.insecure, log);
    const { listen, controllers, rateLimit } = values;
    const gateway = services.add(await startGateway({ listen, controllers, rateLimit, log }));
    const status = `serves on ${gateway.address}`;
    manager.ready(() => ({ status, stalled: gateway.isListening ? undefined : "it does not listen any more" }));
    return untilStopped();
  },
});
