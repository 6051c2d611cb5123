// Original file: proto/gpusched/v1/scheduler.proto

import type { TenantSpec as _gpusched_v1_TenantSpec, TenantSpec__Output as _gpusched_v1_TenantSpec__Output } from '../../gpusched/v1/TenantSpec.ts';

export interface UpdateTenantRequest {
  'tenant_id'?: (string);
  'spec'?: (_gpusched_v1_TenantSpec | null);
  'clear'?: (string)[];
  'active'?: (boolean);
  '_active'?: "active";
}

export interface UpdateTenantRequest__Output {
  'tenant_id': (string);
  'spec': (_gpusched_v1_TenantSpec__Output | null);
  'clear': (string)[];
  'active'?: (boolean);
  '_active'?: "active";
}
