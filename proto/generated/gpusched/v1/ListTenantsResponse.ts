// Original file: proto/gpusched/v1/scheduler.proto

import type { Tenant as _gpusched_v1_Tenant, Tenant__Output as _gpusched_v1_Tenant__Output } from '../../gpusched/v1/Tenant.ts';

export interface ListTenantsResponse {
  'tenants'?: (_gpusched_v1_Tenant)[];
}

export interface ListTenantsResponse__Output {
  'tenants': (_gpusched_v1_Tenant__Output)[];
}
