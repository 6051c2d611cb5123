/** How the interfaces of the tenants' networks begin on the host: by this the firewall knows what comes from jobs. */
export const BRIDGE_PREFIX = "gs-";
