// Original file: proto/gpusched/v1/scheduler.proto


export interface DeactivateTenantRequest {
  'tenant_id'?: (string);
}

export interface DeactivateTenantRequest__Output {
  'tenant_id': (string);
}
