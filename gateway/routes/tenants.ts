import type { Request } from "express";
import { NOT_YET_TENANT_FIELDS } from "../../contract/not-yet.ts";
import { parseOrRefuse } from "../../contract/parse.ts";
import { noQuerySchema } from "../../contract/query.ts";
import { TENANT_ID, tenantPatchSchema, tenantRequestSchema } from "../../contract/tenant.ts";
import { sendJson } from "../answer.ts";
import { MAX_BODY_BYTES, readJson } from "../body.ts";
import { scheduler } from "../controller-client.ts";
import { API_PREFIX, type Handler, pathName, readQuery, type Route, type RouteContext } from "../route.ts";
import { toTenant, toTenantSpec, toTenantSummary, toUpdateTenantRequest } from "../translate/tenant.ts";

export function tenantRoutes(context: RouteContext): Route[] {
  return [
    { path: "/tenants", methods: { GET: list(context), POST: create(context) } },
    {
      path: "/tenants/:id",
      methods: { GET: get(context), PATCH: update(context), DELETE: deactivate(context) },
    },
  ];
}

function create({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    const body = await readJson(request, response, { maxBytes: MAX_BODY_BYTES });
    const wanted = parseOrRefuse(tenantRequestSchema, body, "Invalid request body", NOT_YET_TENANT_FIELDS);
    const tenant = await client.call(scheduler.CreateTenant, { spec: toTenantSpec(wanted) });
    response.setHeader("Location", `${API_PREFIX}/tenants/${tenant.id}`);
    sendJson(response, 201, toTenantSummary(tenant));
  };
}

function list({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    const { tenants } = await client.call(scheduler.ListTenants, {});
    sendJson(response, 200, { tenants: tenants.map(toTenant), total: tenants.length });
  };
}

function get({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    sendJson(response, 200, toTenant(await client.call(scheduler.GetTenant, { tenant_id: tenantIdOf(request) })));
  };
}

function update({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    const tenantId = tenantIdOf(request);
    const body = await readJson(request, response, { maxBytes: MAX_BODY_BYTES });
    const patch = parseOrRefuse(tenantPatchSchema, body, "Invalid request body", NOT_YET_TENANT_FIELDS);
    sendJson(
      response,
      200,
      toTenant(await client.call(scheduler.UpdateTenant, toUpdateTenantRequest(tenantId, patch))),
    );
  };
}

function deactivate({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    await client.call(scheduler.DeactivateTenant, { tenant_id: tenantIdOf(request) });
    sendJson(response, 200, { message: "Tenant deactivated successfully" });
  };
}

function tenantIdOf(request: Request): string {
  return pathName(request, "id", TENANT_ID, "Tenant not found");
}
