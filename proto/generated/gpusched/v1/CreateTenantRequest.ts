// Original file: proto/gpusched/v1/scheduler.proto

import type { TenantSpec as _gpusched_v1_TenantSpec, TenantSpec__Output as _gpusched_v1_TenantSpec__Output } from '../../gpusched/v1/TenantSpec.ts';

export interface CreateTenantRequest {
  'spec'?: (_gpusched_v1_TenantSpec | null);
}

export interface CreateTenantRequest__Output {
  'spec': (_gpusched_v1_TenantSpec__Output | null);
}
