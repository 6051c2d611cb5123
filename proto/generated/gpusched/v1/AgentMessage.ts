// Original file: proto/gpusched/v1/agent.proto

import type { Hello as _gpusched_v1_Hello, Hello__Output as _gpusched_v1_Hello__Output } from '../../gpusched/v1/Hello.ts';
import type { Heartbeat as _gpusched_v1_Heartbeat, Heartbeat__Output as _gpusched_v1_Heartbeat__Output } from '../../gpusched/v1/Heartbeat.ts';
import type { AllocationReport as _gpusched_v1_AllocationReport, AllocationReport__Output as _gpusched_v1_AllocationReport__Output } from '../../gpusched/v1/AllocationReport.ts';
import type { CheckpointReport as _gpusched_v1_CheckpointReport, CheckpointReport__Output as _gpusched_v1_CheckpointReport__Output } from '../../gpusched/v1/CheckpointReport.ts';

export interface AgentMessage {
  'hello'?: (_gpusched_v1_Hello | null);
  'heartbeat'?: (_gpusched_v1_Heartbeat | null);
  'report'?: (_gpusched_v1_AllocationReport | null);
  'checkpoint'?: (_gpusched_v1_CheckpointReport | null);
  'message'?: "hello"|"heartbeat"|"report"|"checkpoint";
}

export interface AgentMessage__Output {
  'hello'?: (_gpusched_v1_Hello__Output | null);
  'heartbeat'?: (_gpusched_v1_Heartbeat__Output | null);
  'report'?: (_gpusched_v1_AllocationReport__Output | null);
  'checkpoint'?: (_gpusched_v1_CheckpointReport__Output | null);
  'message'?: "hello"|"heartbeat"|"report"|"checkpoint";
}
