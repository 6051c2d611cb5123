import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { TlsFiles } from "./etcd-tls.ts";

/** What etcd takes when it was not told otherwise. */
export const DEFAULT_QUOTA_BYTES = 2 * 1024 * 1024 * 1024;

const DEADLINE_MS = 1_500;
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * How large the member's file may become, as its metrics say: of all versions only the newest tell it over gRPC. Undefined when
 * it does not tell.
 */
export async function readQuota(
  endpoint: string,
  tls: TlsFiles | undefined,
  signal: AbortSignal,
): Promise<number | undefined> {
  const text = await readMetrics(endpoint, tls, AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)])).catch(
    () => "",
  );
  const [, value = ""] = /^etcd_server_quota_backend_bytes (\S+)$/m.exec(text) ?? [];
  return Number(value) > 0 ? Number(value) : undefined;
}

function readMetrics(endpoint: string, tls: TlsFiles | undefined, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const scheme = tls ? "https" : "http";
    const request = (tls ? requestHttps : requestHttp)(`${scheme}://${endpoint}/metrics`, { ...tls, signal });
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (text.length > MAX_BYTES) request.destroy(new Error("the metrics are too long"));
      });
      response.on("end", () => resolve(text)).on("error", reject);
    });
    request.end();
  });
}
