import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AgentMessage as _gpusched_v1_AgentMessage, AgentMessage__Output as _gpusched_v1_AgentMessage__Output } from './gpusched/v1/AgentMessage.ts';
import type { AgentServiceClient as _gpusched_v1_AgentServiceClient, AgentServiceDefinition as _gpusched_v1_AgentServiceDefinition } from './gpusched/v1/AgentService.ts';
import type { Allocation as _gpusched_v1_Allocation, Allocation__Output as _gpusched_v1_Allocation__Output } from './gpusched/v1/Allocation.ts';
import type { AllocationKey as _gpusched_v1_AllocationKey, AllocationKey__Output as _gpusched_v1_AllocationKey__Output } from './gpusched/v1/AllocationKey.ts';
import type { AllocationReport as _gpusched_v1_AllocationReport, AllocationReport__Output as _gpusched_v1_AllocationReport__Output } from './gpusched/v1/AllocationReport.ts';
import type { ArrayMembership as _gpusched_v1_ArrayMembership, ArrayMembership__Output as _gpusched_v1_ArrayMembership__Output } from './gpusched/v1/ArrayMembership.ts';
import type { ArraySummary as _gpusched_v1_ArraySummary, ArraySummary__Output as _gpusched_v1_ArraySummary__Output } from './gpusched/v1/ArraySummary.ts';
import type { Blocker as _gpusched_v1_Blocker, Blocker__Output as _gpusched_v1_Blocker__Output } from './gpusched/v1/Blocker.ts';
import type { CancelJobRequest as _gpusched_v1_CancelJobRequest, CancelJobRequest__Output as _gpusched_v1_CancelJobRequest__Output } from './gpusched/v1/CancelJobRequest.ts';
import type { CancelLog as _gpusched_v1_CancelLog, CancelLog__Output as _gpusched_v1_CancelLog__Output } from './gpusched/v1/CancelLog.ts';
import type { ChangeNodeResponse as _gpusched_v1_ChangeNodeResponse, ChangeNodeResponse__Output as _gpusched_v1_ChangeNodeResponse__Output } from './gpusched/v1/ChangeNodeResponse.ts';
import type { CheckpointJobRequest as _gpusched_v1_CheckpointJobRequest, CheckpointJobRequest__Output as _gpusched_v1_CheckpointJobRequest__Output } from './gpusched/v1/CheckpointJobRequest.ts';
import type { CheckpointJobResponse as _gpusched_v1_CheckpointJobResponse, CheckpointJobResponse__Output as _gpusched_v1_CheckpointJobResponse__Output } from './gpusched/v1/CheckpointJobResponse.ts';
import type { CheckpointReport as _gpusched_v1_CheckpointReport, CheckpointReport__Output as _gpusched_v1_CheckpointReport__Output } from './gpusched/v1/CheckpointReport.ts';
import type { ClusterStatus as _gpusched_v1_ClusterStatus, ClusterStatus__Output as _gpusched_v1_ClusterStatus__Output } from './gpusched/v1/ClusterStatus.ts';
import type { Command as _gpusched_v1_Command, Command__Output as _gpusched_v1_Command__Output } from './gpusched/v1/Command.ts';
import type { ConfirmNodeDeadRequest as _gpusched_v1_ConfirmNodeDeadRequest, ConfirmNodeDeadRequest__Output as _gpusched_v1_ConfirmNodeDeadRequest__Output } from './gpusched/v1/ConfirmNodeDeadRequest.ts';
import type { ConfirmNodeDeadResponse as _gpusched_v1_ConfirmNodeDeadResponse, ConfirmNodeDeadResponse__Output as _gpusched_v1_ConfirmNodeDeadResponse__Output } from './gpusched/v1/ConfirmNodeDeadResponse.ts';
import type { ConfirmedDead as _gpusched_v1_ConfirmedDead, ConfirmedDead__Output as _gpusched_v1_ConfirmedDead__Output } from './gpusched/v1/ConfirmedDead.ts';
import type { ControllerMessage as _gpusched_v1_ControllerMessage, ControllerMessage__Output as _gpusched_v1_ControllerMessage__Output } from './gpusched/v1/ControllerMessage.ts';
import type { Cordon as _gpusched_v1_Cordon, Cordon__Output as _gpusched_v1_Cordon__Output } from './gpusched/v1/Cordon.ts';
import type { CordonNodeRequest as _gpusched_v1_CordonNodeRequest, CordonNodeRequest__Output as _gpusched_v1_CordonNodeRequest__Output } from './gpusched/v1/CordonNodeRequest.ts';
import type { Counterfactual as _gpusched_v1_Counterfactual, Counterfactual__Output as _gpusched_v1_Counterfactual__Output } from './gpusched/v1/Counterfactual.ts';
import type { CreateTenantRequest as _gpusched_v1_CreateTenantRequest, CreateTenantRequest__Output as _gpusched_v1_CreateTenantRequest__Output } from './gpusched/v1/CreateTenantRequest.ts';
import type { DeactivateTenantRequest as _gpusched_v1_DeactivateTenantRequest, DeactivateTenantRequest__Output as _gpusched_v1_DeactivateTenantRequest__Output } from './gpusched/v1/DeactivateTenantRequest.ts';
import type { Device as _gpusched_v1_Device, Device__Output as _gpusched_v1_Device__Output } from './gpusched/v1/Device.ts';
import type { DeviceCondition as _gpusched_v1_DeviceCondition, DeviceCondition__Output as _gpusched_v1_DeviceCondition__Output } from './gpusched/v1/DeviceCondition.ts';
import type { DeviceHolder as _gpusched_v1_DeviceHolder, DeviceHolder__Output as _gpusched_v1_DeviceHolder__Output } from './gpusched/v1/DeviceHolder.ts';
import type { DeviceLink as _gpusched_v1_DeviceLink, DeviceLink__Output as _gpusched_v1_DeviceLink__Output } from './gpusched/v1/DeviceLink.ts';
import type { DeviceTelemetry as _gpusched_v1_DeviceTelemetry, DeviceTelemetry__Output as _gpusched_v1_DeviceTelemetry__Output } from './gpusched/v1/DeviceTelemetry.ts';
import type { DeviceWordRequest as _gpusched_v1_DeviceWordRequest, DeviceWordRequest__Output as _gpusched_v1_DeviceWordRequest__Output } from './gpusched/v1/DeviceWordRequest.ts';
import type { DrainNodeRequest as _gpusched_v1_DrainNodeRequest, DrainNodeRequest__Output as _gpusched_v1_DrainNodeRequest__Output } from './gpusched/v1/DrainNodeRequest.ts';
import type { DryRunJobResponse as _gpusched_v1_DryRunJobResponse, DryRunJobResponse__Output as _gpusched_v1_DryRunJobResponse__Output } from './gpusched/v1/DryRunJobResponse.ts';
import type { ErrorDetail as _gpusched_v1_ErrorDetail, ErrorDetail__Output as _gpusched_v1_ErrorDetail__Output } from './gpusched/v1/ErrorDetail.ts';
import type { ExecutorHealth as _gpusched_v1_ExecutorHealth, ExecutorHealth__Output as _gpusched_v1_ExecutorHealth__Output } from './gpusched/v1/ExecutorHealth.ts';
import type { ExplainJobRequest as _gpusched_v1_ExplainJobRequest, ExplainJobRequest__Output as _gpusched_v1_ExplainJobRequest__Output } from './gpusched/v1/ExplainJobRequest.ts';
import type { Explanation as _gpusched_v1_Explanation, Explanation__Output as _gpusched_v1_Explanation__Output } from './gpusched/v1/Explanation.ts';
import type { FieldChange as _gpusched_v1_FieldChange, FieldChange__Output as _gpusched_v1_FieldChange__Output } from './gpusched/v1/FieldChange.ts';
import type { FieldError as _gpusched_v1_FieldError, FieldError__Output as _gpusched_v1_FieldError__Output } from './gpusched/v1/FieldError.ts';
import type { Finding as _gpusched_v1_Finding, Finding__Output as _gpusched_v1_Finding__Output } from './gpusched/v1/Finding.ts';
import type { GetClusterStatusRequest as _gpusched_v1_GetClusterStatusRequest, GetClusterStatusRequest__Output as _gpusched_v1_GetClusterStatusRequest__Output } from './gpusched/v1/GetClusterStatusRequest.ts';
import type { GetJobRequest as _gpusched_v1_GetJobRequest, GetJobRequest__Output as _gpusched_v1_GetJobRequest__Output } from './gpusched/v1/GetJobRequest.ts';
import type { GetTenantRequest as _gpusched_v1_GetTenantRequest, GetTenantRequest__Output as _gpusched_v1_GetTenantRequest__Output } from './gpusched/v1/GetTenantRequest.ts';
import type { Heartbeat as _gpusched_v1_Heartbeat, Heartbeat__Output as _gpusched_v1_Heartbeat__Output } from './gpusched/v1/Heartbeat.ts';
import type { HeartbeatAck as _gpusched_v1_HeartbeatAck, HeartbeatAck__Output as _gpusched_v1_HeartbeatAck__Output } from './gpusched/v1/HeartbeatAck.ts';
import type { Hello as _gpusched_v1_Hello, Hello__Output as _gpusched_v1_Hello__Output } from './gpusched/v1/Hello.ts';
import type { Job as _gpusched_v1_Job, Job__Output as _gpusched_v1_Job__Output } from './gpusched/v1/Job.ts';
import type { JobEvent as _gpusched_v1_JobEvent, JobEvent__Output as _gpusched_v1_JobEvent__Output } from './gpusched/v1/JobEvent.ts';
import type { JobSpec as _gpusched_v1_JobSpec, JobSpec__Output as _gpusched_v1_JobSpec__Output } from './gpusched/v1/JobSpec.ts';
import type { Launch as _gpusched_v1_Launch, Launch__Output as _gpusched_v1_Launch__Output } from './gpusched/v1/Launch.ts';
import type { ListJobsRequest as _gpusched_v1_ListJobsRequest, ListJobsRequest__Output as _gpusched_v1_ListJobsRequest__Output } from './gpusched/v1/ListJobsRequest.ts';
import type { ListJobsResponse as _gpusched_v1_ListJobsResponse, ListJobsResponse__Output as _gpusched_v1_ListJobsResponse__Output } from './gpusched/v1/ListJobsResponse.ts';
import type { ListNodesRequest as _gpusched_v1_ListNodesRequest, ListNodesRequest__Output as _gpusched_v1_ListNodesRequest__Output } from './gpusched/v1/ListNodesRequest.ts';
import type { ListNodesResponse as _gpusched_v1_ListNodesResponse, ListNodesResponse__Output as _gpusched_v1_ListNodesResponse__Output } from './gpusched/v1/ListNodesResponse.ts';
import type { ListTenantsRequest as _gpusched_v1_ListTenantsRequest, ListTenantsRequest__Output as _gpusched_v1_ListTenantsRequest__Output } from './gpusched/v1/ListTenantsRequest.ts';
import type { ListTenantsResponse as _gpusched_v1_ListTenantsResponse, ListTenantsResponse__Output as _gpusched_v1_ListTenantsResponse__Output } from './gpusched/v1/ListTenantsResponse.ts';
import type { LogChunk as _gpusched_v1_LogChunk, LogChunk__Output as _gpusched_v1_LogChunk__Output } from './gpusched/v1/LogChunk.ts';
import type { LogCredit as _gpusched_v1_LogCredit, LogCredit__Output as _gpusched_v1_LogCredit__Output } from './gpusched/v1/LogCredit.ts';
import type { LogData as _gpusched_v1_LogData, LogData__Output as _gpusched_v1_LogData__Output } from './gpusched/v1/LogData.ts';
import type { LogRequest as _gpusched_v1_LogRequest, LogRequest__Output as _gpusched_v1_LogRequest__Output } from './gpusched/v1/LogRequest.ts';
import type { LogServerHello as _gpusched_v1_LogServerHello, LogServerHello__Output as _gpusched_v1_LogServerHello__Output } from './gpusched/v1/LogServerHello.ts';
import type { LogServerMessage as _gpusched_v1_LogServerMessage, LogServerMessage__Output as _gpusched_v1_LogServerMessage__Output } from './gpusched/v1/LogServerMessage.ts';
import type { Member as _gpusched_v1_Member, Member__Output as _gpusched_v1_Member__Output } from './gpusched/v1/Member.ts';
import type { Membership as _gpusched_v1_Membership, Membership__Output as _gpusched_v1_Membership__Output } from './gpusched/v1/Membership.ts';
import type { Node as _gpusched_v1_Node, Node__Output as _gpusched_v1_Node__Output } from './gpusched/v1/Node.ts';
import type { NodeAnswer as _gpusched_v1_NodeAnswer, NodeAnswer__Output as _gpusched_v1_NodeAnswer__Output } from './gpusched/v1/NodeAnswer.ts';
import type { NodeInventory as _gpusched_v1_NodeInventory, NodeInventory__Output as _gpusched_v1_NodeInventory__Output } from './gpusched/v1/NodeInventory.ts';
import type { NodeProblem as _gpusched_v1_NodeProblem, NodeProblem__Output as _gpusched_v1_NodeProblem__Output } from './gpusched/v1/NodeProblem.ts';
import type { ReadLog as _gpusched_v1_ReadLog, ReadLog__Output as _gpusched_v1_ReadLog__Output } from './gpusched/v1/ReadLog.ts';
import type { Rejection as _gpusched_v1_Rejection, Rejection__Output as _gpusched_v1_Rejection__Output } from './gpusched/v1/Rejection.ts';
import type { Release as _gpusched_v1_Release, Release__Output as _gpusched_v1_Release__Output } from './gpusched/v1/Release.ts';
import type { ResourceUsage as _gpusched_v1_ResourceUsage, ResourceUsage__Output as _gpusched_v1_ResourceUsage__Output } from './gpusched/v1/ResourceUsage.ts';
import type { RuntimePrediction as _gpusched_v1_RuntimePrediction, RuntimePrediction__Output as _gpusched_v1_RuntimePrediction__Output } from './gpusched/v1/RuntimePrediction.ts';
import type { SchedulerServiceClient as _gpusched_v1_SchedulerServiceClient, SchedulerServiceDefinition as _gpusched_v1_SchedulerServiceDefinition } from './gpusched/v1/SchedulerService.ts';
import type { StateCount as _gpusched_v1_StateCount, StateCount__Output as _gpusched_v1_StateCount__Output } from './gpusched/v1/StateCount.ts';
import type { Stop as _gpusched_v1_Stop, Stop__Output as _gpusched_v1_Stop__Output } from './gpusched/v1/Stop.ts';
import type { StreamLogsRequest as _gpusched_v1_StreamLogsRequest, StreamLogsRequest__Output as _gpusched_v1_StreamLogsRequest__Output } from './gpusched/v1/StreamLogsRequest.ts';
import type { SubmitJobRequest as _gpusched_v1_SubmitJobRequest, SubmitJobRequest__Output as _gpusched_v1_SubmitJobRequest__Output } from './gpusched/v1/SubmitJobRequest.ts';
import type { SubmitJobResponse as _gpusched_v1_SubmitJobResponse, SubmitJobResponse__Output as _gpusched_v1_SubmitJobResponse__Output } from './gpusched/v1/SubmitJobResponse.ts';
import type { SubmitJobResult as _gpusched_v1_SubmitJobResult, SubmitJobResult__Output as _gpusched_v1_SubmitJobResult__Output } from './gpusched/v1/SubmitJobResult.ts';
import type { SubmitJobsRequest as _gpusched_v1_SubmitJobsRequest, SubmitJobsRequest__Output as _gpusched_v1_SubmitJobsRequest__Output } from './gpusched/v1/SubmitJobsRequest.ts';
import type { SubmitJobsResponse as _gpusched_v1_SubmitJobsResponse, SubmitJobsResponse__Output as _gpusched_v1_SubmitJobsResponse__Output } from './gpusched/v1/SubmitJobsResponse.ts';
import type { SubmitRefusal as _gpusched_v1_SubmitRefusal, SubmitRefusal__Output as _gpusched_v1_SubmitRefusal__Output } from './gpusched/v1/SubmitRefusal.ts';
import type { Tenant as _gpusched_v1_Tenant, Tenant__Output as _gpusched_v1_Tenant__Output } from './gpusched/v1/Tenant.ts';
import type { TenantSpec as _gpusched_v1_TenantSpec, TenantSpec__Output as _gpusched_v1_TenantSpec__Output } from './gpusched/v1/TenantSpec.ts';
import type { UncordonNodeRequest as _gpusched_v1_UncordonNodeRequest, UncordonNodeRequest__Output as _gpusched_v1_UncordonNodeRequest__Output } from './gpusched/v1/UncordonNodeRequest.ts';
import type { UpdateTenantRequest as _gpusched_v1_UpdateTenantRequest, UpdateTenantRequest__Output as _gpusched_v1_UpdateTenantRequest__Output } from './gpusched/v1/UpdateTenantRequest.ts';
import type { Volume as _gpusched_v1_Volume, Volume__Output as _gpusched_v1_Volume__Output } from './gpusched/v1/Volume.ts';
import type { Welcome as _gpusched_v1_Welcome, Welcome__Output as _gpusched_v1_Welcome__Output } from './gpusched/v1/Welcome.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  gpusched: {
    v1: {
      AgentMessage: MessageTypeDefinition<_gpusched_v1_AgentMessage, _gpusched_v1_AgentMessage__Output>
      AgentService: SubtypeConstructor<typeof grpc.Client, _gpusched_v1_AgentServiceClient> & { service: _gpusched_v1_AgentServiceDefinition }
      Allocation: MessageTypeDefinition<_gpusched_v1_Allocation, _gpusched_v1_Allocation__Output>
      AllocationKey: MessageTypeDefinition<_gpusched_v1_AllocationKey, _gpusched_v1_AllocationKey__Output>
      AllocationPhase: EnumTypeDefinition
      AllocationReport: MessageTypeDefinition<_gpusched_v1_AllocationReport, _gpusched_v1_AllocationReport__Output>
      ArrayMembership: MessageTypeDefinition<_gpusched_v1_ArrayMembership, _gpusched_v1_ArrayMembership__Output>
      ArraySummary: MessageTypeDefinition<_gpusched_v1_ArraySummary, _gpusched_v1_ArraySummary__Output>
      Blocker: MessageTypeDefinition<_gpusched_v1_Blocker, _gpusched_v1_Blocker__Output>
      CancelJobRequest: MessageTypeDefinition<_gpusched_v1_CancelJobRequest, _gpusched_v1_CancelJobRequest__Output>
      CancelLog: MessageTypeDefinition<_gpusched_v1_CancelLog, _gpusched_v1_CancelLog__Output>
      ChangeNodeResponse: MessageTypeDefinition<_gpusched_v1_ChangeNodeResponse, _gpusched_v1_ChangeNodeResponse__Output>
      CheckpointJobRequest: MessageTypeDefinition<_gpusched_v1_CheckpointJobRequest, _gpusched_v1_CheckpointJobRequest__Output>
      CheckpointJobResponse: MessageTypeDefinition<_gpusched_v1_CheckpointJobResponse, _gpusched_v1_CheckpointJobResponse__Output>
      CheckpointReport: MessageTypeDefinition<_gpusched_v1_CheckpointReport, _gpusched_v1_CheckpointReport__Output>
      ClusterStatus: MessageTypeDefinition<_gpusched_v1_ClusterStatus, _gpusched_v1_ClusterStatus__Output>
      Command: MessageTypeDefinition<_gpusched_v1_Command, _gpusched_v1_Command__Output>
      ConfirmNodeDeadRequest: MessageTypeDefinition<_gpusched_v1_ConfirmNodeDeadRequest, _gpusched_v1_ConfirmNodeDeadRequest__Output>
      ConfirmNodeDeadResponse: MessageTypeDefinition<_gpusched_v1_ConfirmNodeDeadResponse, _gpusched_v1_ConfirmNodeDeadResponse__Output>
      ConfirmedDead: MessageTypeDefinition<_gpusched_v1_ConfirmedDead, _gpusched_v1_ConfirmedDead__Output>
      ControllerMessage: MessageTypeDefinition<_gpusched_v1_ControllerMessage, _gpusched_v1_ControllerMessage__Output>
      Cordon: MessageTypeDefinition<_gpusched_v1_Cordon, _gpusched_v1_Cordon__Output>
      CordonNodeRequest: MessageTypeDefinition<_gpusched_v1_CordonNodeRequest, _gpusched_v1_CordonNodeRequest__Output>
      Counterfactual: MessageTypeDefinition<_gpusched_v1_Counterfactual, _gpusched_v1_Counterfactual__Output>
      CreateTenantRequest: MessageTypeDefinition<_gpusched_v1_CreateTenantRequest, _gpusched_v1_CreateTenantRequest__Output>
      DeactivateTenantRequest: MessageTypeDefinition<_gpusched_v1_DeactivateTenantRequest, _gpusched_v1_DeactivateTenantRequest__Output>
      Device: MessageTypeDefinition<_gpusched_v1_Device, _gpusched_v1_Device__Output>
      DeviceCondition: MessageTypeDefinition<_gpusched_v1_DeviceCondition, _gpusched_v1_DeviceCondition__Output>
      DeviceHealth: EnumTypeDefinition
      DeviceHolder: MessageTypeDefinition<_gpusched_v1_DeviceHolder, _gpusched_v1_DeviceHolder__Output>
      DeviceLink: MessageTypeDefinition<_gpusched_v1_DeviceLink, _gpusched_v1_DeviceLink__Output>
      DeviceTelemetry: MessageTypeDefinition<_gpusched_v1_DeviceTelemetry, _gpusched_v1_DeviceTelemetry__Output>
      DeviceUse: EnumTypeDefinition
      DeviceWordRequest: MessageTypeDefinition<_gpusched_v1_DeviceWordRequest, _gpusched_v1_DeviceWordRequest__Output>
      DrainNodeRequest: MessageTypeDefinition<_gpusched_v1_DrainNodeRequest, _gpusched_v1_DrainNodeRequest__Output>
      DryRunJobResponse: MessageTypeDefinition<_gpusched_v1_DryRunJobResponse, _gpusched_v1_DryRunJobResponse__Output>
      EndCause: EnumTypeDefinition
      ErrorDetail: MessageTypeDefinition<_gpusched_v1_ErrorDetail, _gpusched_v1_ErrorDetail__Output>
      ExecutorHealth: MessageTypeDefinition<_gpusched_v1_ExecutorHealth, _gpusched_v1_ExecutorHealth__Output>
      ExplainJobRequest: MessageTypeDefinition<_gpusched_v1_ExplainJobRequest, _gpusched_v1_ExplainJobRequest__Output>
      Explanation: MessageTypeDefinition<_gpusched_v1_Explanation, _gpusched_v1_Explanation__Output>
      FieldChange: MessageTypeDefinition<_gpusched_v1_FieldChange, _gpusched_v1_FieldChange__Output>
      FieldError: MessageTypeDefinition<_gpusched_v1_FieldError, _gpusched_v1_FieldError__Output>
      Finding: MessageTypeDefinition<_gpusched_v1_Finding, _gpusched_v1_Finding__Output>
      GetClusterStatusRequest: MessageTypeDefinition<_gpusched_v1_GetClusterStatusRequest, _gpusched_v1_GetClusterStatusRequest__Output>
      GetJobRequest: MessageTypeDefinition<_gpusched_v1_GetJobRequest, _gpusched_v1_GetJobRequest__Output>
      GetTenantRequest: MessageTypeDefinition<_gpusched_v1_GetTenantRequest, _gpusched_v1_GetTenantRequest__Output>
      Heartbeat: MessageTypeDefinition<_gpusched_v1_Heartbeat, _gpusched_v1_Heartbeat__Output>
      HeartbeatAck: MessageTypeDefinition<_gpusched_v1_HeartbeatAck, _gpusched_v1_HeartbeatAck__Output>
      Hello: MessageTypeDefinition<_gpusched_v1_Hello, _gpusched_v1_Hello__Output>
      Job: MessageTypeDefinition<_gpusched_v1_Job, _gpusched_v1_Job__Output>
      JobEvent: MessageTypeDefinition<_gpusched_v1_JobEvent, _gpusched_v1_JobEvent__Output>
      JobPhase: EnumTypeDefinition
      JobSpec: MessageTypeDefinition<_gpusched_v1_JobSpec, _gpusched_v1_JobSpec__Output>
      JobState: EnumTypeDefinition
      Launch: MessageTypeDefinition<_gpusched_v1_Launch, _gpusched_v1_Launch__Output>
      ListJobsRequest: MessageTypeDefinition<_gpusched_v1_ListJobsRequest, _gpusched_v1_ListJobsRequest__Output>
      ListJobsResponse: MessageTypeDefinition<_gpusched_v1_ListJobsResponse, _gpusched_v1_ListJobsResponse__Output>
      ListNodesRequest: MessageTypeDefinition<_gpusched_v1_ListNodesRequest, _gpusched_v1_ListNodesRequest__Output>
      ListNodesResponse: MessageTypeDefinition<_gpusched_v1_ListNodesResponse, _gpusched_v1_ListNodesResponse__Output>
      ListTenantsRequest: MessageTypeDefinition<_gpusched_v1_ListTenantsRequest, _gpusched_v1_ListTenantsRequest__Output>
      ListTenantsResponse: MessageTypeDefinition<_gpusched_v1_ListTenantsResponse, _gpusched_v1_ListTenantsResponse__Output>
      LogChunk: MessageTypeDefinition<_gpusched_v1_LogChunk, _gpusched_v1_LogChunk__Output>
      LogCredit: MessageTypeDefinition<_gpusched_v1_LogCredit, _gpusched_v1_LogCredit__Output>
      LogData: MessageTypeDefinition<_gpusched_v1_LogData, _gpusched_v1_LogData__Output>
      LogRequest: MessageTypeDefinition<_gpusched_v1_LogRequest, _gpusched_v1_LogRequest__Output>
      LogServerHello: MessageTypeDefinition<_gpusched_v1_LogServerHello, _gpusched_v1_LogServerHello__Output>
      LogServerMessage: MessageTypeDefinition<_gpusched_v1_LogServerMessage, _gpusched_v1_LogServerMessage__Output>
      LogStream: EnumTypeDefinition
      Member: MessageTypeDefinition<_gpusched_v1_Member, _gpusched_v1_Member__Output>
      Membership: MessageTypeDefinition<_gpusched_v1_Membership, _gpusched_v1_Membership__Output>
      Node: MessageTypeDefinition<_gpusched_v1_Node, _gpusched_v1_Node__Output>
      NodeAnswer: MessageTypeDefinition<_gpusched_v1_NodeAnswer, _gpusched_v1_NodeAnswer__Output>
      NodeInventory: MessageTypeDefinition<_gpusched_v1_NodeInventory, _gpusched_v1_NodeInventory__Output>
      NodeProblem: MessageTypeDefinition<_gpusched_v1_NodeProblem, _gpusched_v1_NodeProblem__Output>
      NodeState: EnumTypeDefinition
      PriorityTier: EnumTypeDefinition
      ReadLog: MessageTypeDefinition<_gpusched_v1_ReadLog, _gpusched_v1_ReadLog__Output>
      Rejection: MessageTypeDefinition<_gpusched_v1_Rejection, _gpusched_v1_Rejection__Output>
      Release: MessageTypeDefinition<_gpusched_v1_Release, _gpusched_v1_Release__Output>
      ResourceUsage: MessageTypeDefinition<_gpusched_v1_ResourceUsage, _gpusched_v1_ResourceUsage__Output>
      RuntimePrediction: MessageTypeDefinition<_gpusched_v1_RuntimePrediction, _gpusched_v1_RuntimePrediction__Output>
      SchedulerService: SubtypeConstructor<typeof grpc.Client, _gpusched_v1_SchedulerServiceClient> & { service: _gpusched_v1_SchedulerServiceDefinition }
      StateCount: MessageTypeDefinition<_gpusched_v1_StateCount, _gpusched_v1_StateCount__Output>
      Stop: MessageTypeDefinition<_gpusched_v1_Stop, _gpusched_v1_Stop__Output>
      StreamLogsRequest: MessageTypeDefinition<_gpusched_v1_StreamLogsRequest, _gpusched_v1_StreamLogsRequest__Output>
      SubmitJobRequest: MessageTypeDefinition<_gpusched_v1_SubmitJobRequest, _gpusched_v1_SubmitJobRequest__Output>
      SubmitJobResponse: MessageTypeDefinition<_gpusched_v1_SubmitJobResponse, _gpusched_v1_SubmitJobResponse__Output>
      SubmitJobResult: MessageTypeDefinition<_gpusched_v1_SubmitJobResult, _gpusched_v1_SubmitJobResult__Output>
      SubmitJobsRequest: MessageTypeDefinition<_gpusched_v1_SubmitJobsRequest, _gpusched_v1_SubmitJobsRequest__Output>
      SubmitJobsResponse: MessageTypeDefinition<_gpusched_v1_SubmitJobsResponse, _gpusched_v1_SubmitJobsResponse__Output>
      SubmitRefusal: MessageTypeDefinition<_gpusched_v1_SubmitRefusal, _gpusched_v1_SubmitRefusal__Output>
      Tenant: MessageTypeDefinition<_gpusched_v1_Tenant, _gpusched_v1_Tenant__Output>
      TenantSpec: MessageTypeDefinition<_gpusched_v1_TenantSpec, _gpusched_v1_TenantSpec__Output>
      UncordonNodeRequest: MessageTypeDefinition<_gpusched_v1_UncordonNodeRequest, _gpusched_v1_UncordonNodeRequest__Output>
      UpdateTenantRequest: MessageTypeDefinition<_gpusched_v1_UpdateTenantRequest, _gpusched_v1_UpdateTenantRequest__Output>
      Volume: MessageTypeDefinition<_gpusched_v1_Volume, _gpusched_v1_Volume__Output>
      Welcome: MessageTypeDefinition<_gpusched_v1_Welcome, _gpusched_v1_Welcome__Output>
    }
  }
}

