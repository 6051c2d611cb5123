/** How a row of bad input is made: each differs from a request in order by one oddity. */
import { type PlainRequest, render } from "./raw-http.ts";

export interface BadInputRow {
  readonly name: string;
  readonly send: readonly (string | Uint8Array)[];
  /** Rows with a status below 400 look odd and are in order. 0: closed without an answer. */
  readonly status: number;
  /** What the error's sentence or its details must name. */
  readonly field?: string;
  /** Headers that the answer must have. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type Json = Readonly<Record<string, unknown>>;

export const KIB = 1024;
export const goodJob = { tenant_id: "tenant-123", name: "odd-job", gpu_count: 1, image: "busybox", command: ["true"] };
export const goodTenant = { name: "odd-tenant" };

export function request(
  name: string,
  status: number,
  plain: PlainRequest,
  expected: Partial<BadInputRow> = {},
): BadInputRow {
  return { name, status, send: render(plain), ...expected };
}

export function raw(name: string, status: number, ...send: (string | Uint8Array)[]): BadInputRow {
  return { name, status, send };
}

/** A body of `POST /jobs`, as text. */
export function jobText(name: string, status: number, body: string | Uint8Array, field?: string): BadInputRow {
  return request(
    name,
    status,
    { method: "POST", target: "/api/v1/jobs", headers: { "Content-Type": "application/json" }, body },
    field === undefined ? {} : { field },
  );
}

/** A job that is in order but for the given fields. */
export function job(name: string, status: number, fields: Json, field?: string): BadInputRow {
  return jobText(name, status, JSON.stringify({ ...goodJob, ...fields }), field);
}

export function tenant(name: string, status: number, fields: Json, field?: string): BadInputRow {
  return tenantText(name, status, JSON.stringify({ ...goodTenant, ...fields }), field);
}

/** A body of `POST /tenants`, as text. */
export function tenantText(name: string, status: number, body: string, field?: string): BadInputRow {
  return request(
    name,
    status,
    { method: "POST", target: "/api/v1/tenants", headers: { "Content-Type": "application/json" }, body },
    field === undefined ? {} : { field },
  );
}

export function get(name: string, status: number, target: string, field?: string): BadInputRow {
  return request(name, status, { method: "GET", target }, field === undefined ? {} : { field });
}

export function jobWithHeaders(name: string, status: number, headers: Record<string, string>): BadInputRow {
  return request(name, status, {
    method: "POST",
    target: "/api/v1/jobs",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(goodJob),
  });
}
