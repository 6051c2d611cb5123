import { parseAddress } from "../base/address.ts";
import { present } from "../base/assert.ts";
import { startController } from "../controller/controller.ts";
import { checkExposure } from "./exposure.ts";
import { controllerOptions, unsupportedByController } from "./options.ts";
import { archiveOf } from "./archive.ts";
import { policyOf } from "./policy-file.ts";
import { etcdOf } from "./etcd.ts";
import { controllerPulse } from "./notify/pulses.ts";
import { defineRole } from "./role.ts";

/** `gpusched controller`. */
export const controllerRole = defineRole({
  summary: "decides what runs where, and remembers it",
  options: controllerOptions,
  unsupported: unsupportedByController,
  async run(values, { services, manager, log }) {
    const { host } = present(parseAddress(values.listen), "the address to listen on");
    checkExposure("the gRPC API", host, values.insecure, log);
    const metricsHost = values.metricsListen && parseAddress(values.metricsListen)?.host;
    if (metricsHost) checkExposure("the metrics", metricsHost, values.insecure, log);
    const controller = services.add(
      await startController({
        listen: values.listen,
        advertise: values.advertise,
        metricsListen: values.metricsListen,
        dataDir: values.dataDir,
        etcd: etcdOf(values),
        nodeUnreachableAfterMs: values.nodeUnreachableAfter,
        nodeLostAfterMs: values.nodeLostAfter,
        policy: policyOf(values),
        journal: values.journal,
        lost: values.acceptStateLoss,
        archive: archiveOf(values, values.dataDir),
        seedTenant: false,
        log,
      }),
    );
    manager.ready(() => controllerPulse(controller));
    return controller.ended;
  },
});
