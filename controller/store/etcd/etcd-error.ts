import { type ServiceError, status } from "@grpc/grpc-js";

/**
 * Why a call to etcd failed.
 *
 * - `unavailable` no answer, or none from a majority: whether it was done is not known
 * - `no_space` etcd is full and takes no writes: the one that filled it was done all the same, later ones are not
 * - `too_large` the request or the answer is larger than what is allowed; it was not done
 * - `compacted` the revision asked for has been forgotten
 * - `no_lease` there is no such lease (any more)
 * - `refused` anything else that etcd says no to; it was not done
 */
export type EtcdErrorCode = "unavailable" | "no_space" | "too_large" | "compacted" | "no_lease" | "refused";

/** A call to etcd failed; the message has the call and etcd's own words. */
export class EtcdError extends Error {
  override readonly name = "EtcdError";
  readonly code: EtcdErrorCode;

  constructor(code: EtcdErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Reads what gRPC says: its status, and where several things share one, etcd's words. */
export function etcdErrorOf(call: string, endpoint: string, error: ServiceError): EtcdError {
  const said = error.details || error.message;
  const hint = tlsHint(said);
  const message = `${call} on ${endpoint}: ${hint === undefined ? said : `${hint} (${said})`}`;
  return new EtcdError(codeOf(error), message, { cause: error });
}

/** What an operator must look at when no connection comes about for reasons of certificates; undefined for other reasons. */
function tlsHint(said: string): string | undefined {
  if (/self.signed|unable to (verify|get)|issuer cert|certificate has expired/i.test(said)) {
    return "etcd's certificate is not signed by what --etcd-ca names, or has expired";
  }
  if (/does not match certificate|altnames/i.test(said))
    return "etcd's certificate is for another name than --etcd has";
  if (/alert.*certificate|bad certificate|certificate required|unknown ca/i.test(said)) {
    return "etcd does not take this controller's certificate: --etcd-cert and --etcd-key";
  }
  return /wrong version number|packet length too long/i.test(said) ? "etcd does not speak TLS there" : undefined;
}

function codeOf({ code, details }: ServiceError): EtcdErrorCode {
  if (code === status.RESOURCE_EXHAUSTED) {
    if (details.includes("database space exceeded")) return "no_space";
    // Of grpc-js; "too many requests" is etcd's overload, which passes.
    return details.includes("larger than max") ? "too_large" : "unavailable";
  }
  if (code === status.INVALID_ARGUMENT && /too large|too many operations/.test(details)) return "too_large";
  if (code === status.OUT_OF_RANGE && details.includes("compacted")) return "compacted";
  if (code === status.NOT_FOUND && details.includes("lease")) return "no_lease";
  // A member that has never heard of this call's outcome: stopped, cut off, without a leader, or a connection that broke.
  const isUncertain = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED, status.INTERNAL, status.UNKNOWN];
  return isUncertain.includes(code) ? "unavailable" : "refused";
}

/** Said wherever a full etcd shows. */
export const NO_SPACE_ADVICE =
  "etcd is full and takes no writes: raise its --quota-backend-bytes or compact it, run `etcdctl defrag` for every member, " +
  "then `etcdctl alarm disarm`";
