// Original file: proto/gpusched/v1/types.proto

import type { TenantSpec as _gpusched_v1_TenantSpec, TenantSpec__Output as _gpusched_v1_TenantSpec__Output } from '../../gpusched/v1/TenantSpec.ts';
import type { ResourceUsage as _gpusched_v1_ResourceUsage, ResourceUsage__Output as _gpusched_v1_ResourceUsage__Output } from '../../gpusched/v1/ResourceUsage.ts';
import type { Long } from '@grpc/proto-loader';

export interface Tenant {
  'id'?: (string);
  'spec'?: (_gpusched_v1_TenantSpec | null);
  'active'?: (boolean);
  'created_at_ms'?: (number | string | Long);
  'usage'?: (_gpusched_v1_ResourceUsage | null);
}

export interface Tenant__Output {
  'id': (string);
  'spec': (_gpusched_v1_TenantSpec__Output | null);
  'active': (boolean);
  'created_at_ms': (number);
  'usage': (_gpusched_v1_ResourceUsage__Output | null);
}
