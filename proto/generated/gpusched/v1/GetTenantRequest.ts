// Original file: proto/gpusched/v1/scheduler.proto


export interface GetTenantRequest {
  'tenant_id'?: (string);
}

export interface GetTenantRequest__Output {
  'tenant_id': (string);
}
