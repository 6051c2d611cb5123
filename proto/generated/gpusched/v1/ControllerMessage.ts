// Original file: proto/gpusched/v1/agent.proto

import type { Welcome as _gpusched_v1_Welcome, Welcome__Output as _gpusched_v1_Welcome__Output } from '../../gpusched/v1/Welcome.ts';
import type { HeartbeatAck as _gpusched_v1_HeartbeatAck, HeartbeatAck__Output as _gpusched_v1_HeartbeatAck__Output } from '../../gpusched/v1/HeartbeatAck.ts';
import type { Command as _gpusched_v1_Command, Command__Output as _gpusched_v1_Command__Output } from '../../gpusched/v1/Command.ts';
import type { Rejection as _gpusched_v1_Rejection, Rejection__Output as _gpusched_v1_Rejection__Output } from '../../gpusched/v1/Rejection.ts';
import type { Membership as _gpusched_v1_Membership, Membership__Output as _gpusched_v1_Membership__Output } from '../../gpusched/v1/Membership.ts';

export interface ControllerMessage {
  'welcome'?: (_gpusched_v1_Welcome | null);
  'heartbeat_ack'?: (_gpusched_v1_HeartbeatAck | null);
  'command'?: (_gpusched_v1_Command | null);
  'rejection'?: (_gpusched_v1_Rejection | null);
  'membership'?: (_gpusched_v1_Membership | null);
  'message'?: "welcome"|"heartbeat_ack"|"command"|"rejection"|"membership";
}

export interface ControllerMessage__Output {
  'welcome'?: (_gpusched_v1_Welcome__Output | null);
  'heartbeat_ack'?: (_gpusched_v1_HeartbeatAck__Output | null);
  'command'?: (_gpusched_v1_Command__Output | null);
  'rejection'?: (_gpusched_v1_Rejection__Output | null);
  'membership'?: (_gpusched_v1_Membership__Output | null);
  'message'?: "welcome"|"heartbeat_ack"|"command"|"rejection"|"membership";
}
