// Original file: proto/gpusched/v1/types.proto

export const PriorityTier = {
  PRIORITY_TIER_UNSPECIFIED: 'PRIORITY_TIER_UNSPECIFIED',
  PRIORITY_TIER_LOW: 'PRIORITY_TIER_LOW',
  PRIORITY_TIER_MEDIUM: 'PRIORITY_TIER_MEDIUM',
  PRIORITY_TIER_HIGH: 'PRIORITY_TIER_HIGH',
  PRIORITY_TIER_CRITICAL: 'PRIORITY_TIER_CRITICAL',
} as const;

export type PriorityTier =
  | 'PRIORITY_TIER_UNSPECIFIED'
  | 0
  | 'PRIORITY_TIER_LOW'
  | 1
  | 'PRIORITY_TIER_MEDIUM'
  | 2
  | 'PRIORITY_TIER_HIGH'
  | 3
  | 'PRIORITY_TIER_CRITICAL'
  | 4

export type PriorityTier__Output = typeof PriorityTier[keyof typeof PriorityTier]
