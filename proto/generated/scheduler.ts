import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Allocation as _gpusched_v1_Allocation, Allocation__Output as _gpusched_v1_Allocation__Output } from './gpusched/v1/Allocation.ts';
import type { ArrayMembership as _gpusched_v1_ArrayMembership, ArrayMembership__Output as _gpusched_v1_ArrayMembership__Output } from './gpusched/v1/ArrayMembership.ts';
import type { ArraySummary as _gpusched_v1_ArraySummary, ArraySummary__Output as _gpusched_v1_ArraySummary__Output } from './gpusched/v1/ArraySummary.ts';
import type { Blocker as _gpusched_v1_Blocker, Blocker__Output as _gpusched_v1_Blocker__Output } from './gpusched/v1/Blocker.ts';
import type { CancelJobRequest as _gpusched_v1_CancelJobRequest, CancelJobRequest__Output as _gpusched_v1_CancelJobRequest__Output } from './gpusched/v1/CancelJobRequest.ts';
import type { ChangeNodeResponse as _gpusched_v1_ChangeNodeResponse, ChangeNodeResponse__Output as _gpusched_v1_ChangeNodeResponse__Output } from './gpusched/v1/ChangeNodeResponse.ts';
import type { CheckpointJobRequest as _gpusched_v1_CheckpointJobRequest, CheckpointJobRequest__Output as _gpusched_v1_CheckpointJobRequest__Output } from './gpusched/v1/CheckpointJobRequest.ts';
import type { CheckpointJobResponse as _gpusched_v1_CheckpointJobResponse, CheckpointJobResponse__Output as _gpusched_v1_CheckpointJobResponse__Output } from './gpusched/v1/CheckpointJobResponse.ts';
import type { ClusterStatus as _gpusched_v1_ClusterStatus, ClusterStatus__Output as _gpusched_v1_ClusterStatus__Output } from './gpusched/v1/ClusterStatus.ts';
import type { ConfirmNodeDeadRequest as _gpusched_v1_ConfirmNodeDeadRequest, ConfirmNodeDeadRequest__Output as _gpusched_v1_ConfirmNodeDeadRequest__Output } from './gpusched/v1/ConfirmNodeDeadRequest.ts';
import type { ConfirmNodeDeadResponse as _gpusched_v1_ConfirmNodeDeadResponse, ConfirmNodeDeadResponse__Output as _gpusched_v1_ConfirmNodeDeadResponse__Output } from './gpusched/v1/ConfirmNodeDeadResponse.ts';
import type { ConfirmedDead as _gpusched_v1_ConfirmedDead, ConfirmedDead__Output as _gpusched_v1_ConfirmedDead__Output } from './gpusched/v1/ConfirmedDead.ts';
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
import type { ExplainJobRequest as _gpusched_v1_ExplainJobRequest, ExplainJobRequest__Output as _gpusched_v1_ExplainJobRequest__Output } from './gpusched/v1/ExplainJobRequest.ts';
import type { Explanation as _gpusched_v1_Explanation, Explanation__Output as _gpusched_v1_Explanation__Output } from './gpusched/v1/Explanation.ts';
import type { FieldChange as _gpusched_v1_FieldChange, FieldChange__Output as _gpusched_v1_FieldChange__Output } from './gpusched/v1/FieldChange.ts';
import type { FieldError as _gpusched_v1_FieldError, FieldError__Output as _gpusched_v1_FieldError__Output } from './gpusched/v1/FieldError.ts';
import type { Finding as _gpusched_v1_Finding, Finding__Output as _gpusched_v1_Finding__Output } from './gpusched/v1/Finding.ts';
import type { GetClusterStatusRequest as _gpusched_v1_GetClusterStatusRequest, GetClusterStatusRequest__Output as _gpusched_v1_GetClusterStatusRequest__Output } from './gpusched/v1/GetClusterStatusRequest.ts';
import type { GetJobRequest as _gpusched_v1_GetJobRequest, GetJobRequest__Output as _gpusched_v1_GetJobRequest__Output } from './gpusched/v1/GetJobRequest.ts';
import type { GetTenantRequest as _gpusched_v1_GetTenantRequest, GetTenantRequest__Output as _gpusched_v1_GetTenantRequest__Output } from './gpusched/v1/GetTenantRequest.ts';
import type { Job as _gpusched_v1_Job, Job__Output as _gpusched_v1_Job__Output } from './gpusched/v1/Job.ts';
import type { JobEvent as _gpusched_v1_JobEvent, JobEvent__Output as _gpusched_v1_JobEvent__Output } from './gpusched/v1/JobEvent.ts';
import type { JobSpec as _gpusched_v1_JobSpec, JobSpec__Output as _gpusched_v1_JobSpec__Output } from './gpusched/v1/JobSpec.ts';
import type { ListJobsRequest as _gpusched_v1_ListJobsRequest, ListJobsRequest__Output as _gpusched_v1_ListJobsRequest__Output } from './gpusched/v1/ListJobsRequest.ts';
import type { ListJobsResponse as _gpusched_v1_ListJobsResponse, ListJobsResponse__Output as _gpusched_v1_ListJobsResponse__Output } from './gpusched/v1/ListJobsResponse.ts';
import type { ListNodesRequest as _gpusched_v1_ListNodesRequest, ListNodesRequest__Output as _gpusched_v1_ListNodesRequest__Output } from './gpusched/v1/ListNodesRequest.ts';
import type { ListNodesResponse as _gpusched_v1_ListNodesResponse, ListNodesResponse__Output as _gpusched_v1_ListNodesResponse__Output } from './gpusched/v1/ListNodesResponse.ts';
import type { ListTenantsRequest as _gpusched_v1_ListTenantsRequest, ListTenantsRequest__Output as _gpusched_v1_ListTenantsRequest__Output } from './gpusched/v1/ListTenantsRequest.ts';
import type { ListTenantsResponse as _gpusched_v1_ListTenantsResponse, ListTenantsResponse__Output as _gpusched_v1_ListTenantsResponse__Output } from './gpusched/v1/ListTenantsResponse.ts';
import type { LogChunk as _gpusched_v1_LogChunk, LogChunk__Output as _gpusched_v1_LogChunk__Output } from './gpusched/v1/LogChunk.ts';
import type { Node as _gpusched_v1_Node, Node__Output as _gpusched_v1_Node__Output } from './gpusched/v1/Node.ts';
import type { NodeAnswer as _gpusched_v1_NodeAnswer, NodeAnswer__Output as _gpusched_v1_NodeAnswer__Output } from './gpusched/v1/NodeAnswer.ts';
import type { NodeInventory as _gpusched_v1_NodeInventory, NodeInventory__Output as _gpusched_v1_NodeInventory__Output } from './gpusched/v1/NodeInventory.ts';
import type { NodeProblem as _gpusched_v1_NodeProblem, NodeProblem__Output as _gpusched_v1_NodeProblem__Output } from './gpusched/v1/NodeProblem.ts';
import type { ResourceUsage as _gpusched_v1_ResourceUsage, ResourceUsage__Output as _gpusched_v1_ResourceUsage__Output } from './gpusched/v1/ResourceUsage.ts';
import type { RuntimePrediction as _gpusched_v1_RuntimePrediction, RuntimePrediction__Output as _gpusched_v1_RuntimePrediction__Output } from './gpusched/v1/RuntimePrediction.ts';
import type { SchedulerServiceClient as _gpusched_v1_SchedulerServiceClient, SchedulerServiceDefinition as _gpusched_v1_SchedulerServiceDefinition } from './gpusched/v1/SchedulerService.ts';
import type { StateCount as _gpusched_v1_StateCount, StateCount__Output as _gpusched_v1_StateCount__Output } from './gpusched/v1/StateCount.ts';
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

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  gpusched: {
    v1: {
      Allocation: MessageTypeDefinition<_gpusched_v1_Allocation, _gpusched_v1_Allocation__Output>
      AllocationPhase: EnumTypeDefinition
      ArrayMembership: MessageTypeDefinition<_gpusched_v1_ArrayMembership, _gpusched_v1_ArrayMembership__Output>
      ArraySummary: MessageTypeDefinition<_gpusched_v1_ArraySummary, _gpusched_v1_ArraySummary__Output>
      Blocker: MessageTypeDefinition<_gpusched_v1_Blocker, _gpusched_v1_Blocker__Output>
      CancelJobRequest: MessageTypeDefinition<_gpusched_v1_CancelJobRequest, _gpusched_v1_CancelJobRequest__Output>
      ChangeNodeResponse: MessageTypeDefinition<_gpusched_v1_ChangeNodeResponse, _gpusched_v1_ChangeNodeResponse__Output>
      CheckpointJobRequest: MessageTypeDefinition<_gpusched_v1_CheckpointJobRequest, _gpusched_v1_CheckpointJobRequest__Output>
      CheckpointJobResponse: MessageTypeDefinition<_gpusched_v1_CheckpointJobResponse, _gpusched_v1_CheckpointJobResponse__Output>
      ClusterStatus: MessageTypeDefinition<_gpusched_v1_ClusterStatus, _gpusched_v1_ClusterStatus__Output>
      ConfirmNodeDeadRequest: MessageTypeDefinition<_gpusched_v1_ConfirmNodeDeadRequest, _gpusched_v1_ConfirmNodeDeadRequest__Output>
      ConfirmNodeDeadResponse: MessageTypeDefinition<_gpusched_v1_ConfirmNodeDeadResponse, _gpusched_v1_ConfirmNodeDeadResponse__Output>
      ConfirmedDead: MessageTypeDefinition<_gpusched_v1_ConfirmedDead, _gpusched_v1_ConfirmedDead__Output>
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
      ErrorDetail: MessageTypeDefinition<_gpusched_v1_ErrorDetail, _gpusched_v1_ErrorDetail__Output>
      ExplainJobRequest: MessageTypeDefinition<_gpusched_v1_ExplainJobRequest, _gpusched_v1_ExplainJobRequest__Output>
      Explanation: MessageTypeDefinition<_gpusched_v1_Explanation, _gpusched_v1_Explanation__Output>
      FieldChange: MessageTypeDefinition<_gpusched_v1_FieldChange, _gpusched_v1_FieldChange__Output>
      FieldError: MessageTypeDefinition<_gpusched_v1_FieldError, _gpusched_v1_FieldError__Output>
      Finding: MessageTypeDefinition<_gpusched_v1_Finding, _gpusched_v1_Finding__Output>
      GetClusterStatusRequest: MessageTypeDefinition<_gpusched_v1_GetClusterStatusRequest, _gpusched_v1_GetClusterStatusRequest__Output>
      GetJobRequest: MessageTypeDefinition<_gpusched_v1_GetJobRequest, _gpusched_v1_GetJobRequest__Output>
      GetTenantRequest: MessageTypeDefinition<_gpusched_v1_GetTenantRequest, _gpusched_v1_GetTenantRequest__Output>
      Job: MessageTypeDefinition<_gpusched_v1_Job, _gpusched_v1_Job__Output>
      JobEvent: MessageTypeDefinition<_gpusched_v1_JobEvent, _gpusched_v1_JobEvent__Output>
      JobPhase: EnumTypeDefinition
      JobSpec: MessageTypeDefinition<_gpusched_v1_JobSpec, _gpusched_v1_JobSpec__Output>
      JobState: EnumTypeDefinition
      ListJobsRequest: MessageTypeDefinition<_gpusched_v1_ListJobsRequest, _gpusched_v1_ListJobsRequest__Output>
      ListJobsResponse: MessageTypeDefinition<_gpusched_v1_ListJobsResponse, _gpusched_v1_ListJobsResponse__Output>
      ListNodesRequest: MessageTypeDefinition<_gpusched_v1_ListNodesRequest, _gpusched_v1_ListNodesRequest__Output>
      ListNodesResponse: MessageTypeDefinition<_gpusched_v1_ListNodesResponse, _gpusched_v1_ListNodesResponse__Output>
      ListTenantsRequest: MessageTypeDefinition<_gpusched_v1_ListTenantsRequest, _gpusched_v1_ListTenantsRequest__Output>
      ListTenantsResponse: MessageTypeDefinition<_gpusched_v1_ListTenantsResponse, _gpusched_v1_ListTenantsResponse__Output>
      LogChunk: MessageTypeDefinition<_gpusched_v1_LogChunk, _gpusched_v1_LogChunk__Output>
      LogStream: EnumTypeDefinition
      Node: MessageTypeDefinition<_gpusched_v1_Node, _gpusched_v1_Node__Output>
      NodeAnswer: MessageTypeDefinition<_gpusched_v1_NodeAnswer, _gpusched_v1_NodeAnswer__Output>
      NodeInventory: MessageTypeDefinition<_gpusched_v1_NodeInventory, _gpusched_v1_NodeInventory__Output>
      NodeProblem: MessageTypeDefinition<_gpusched_v1_NodeProblem, _gpusched_v1_NodeProblem__Output>
      NodeState: EnumTypeDefinition
      PriorityTier: EnumTypeDefinition
      ResourceUsage: MessageTypeDefinition<_gpusched_v1_ResourceUsage, _gpusched_v1_ResourceUsage__Output>
      RuntimePrediction: MessageTypeDefinition<_gpusched_v1_RuntimePrediction, _gpusched_v1_RuntimePrediction__Output>
      SchedulerService: SubtypeConstructor<typeof grpc.Client, _gpusched_v1_SchedulerServiceClient> & { service: _gpusched_v1_SchedulerServiceDefinition }
      StateCount: MessageTypeDefinition<_gpusched_v1_StateCount, _gpusched_v1_StateCount__Output>
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
    }
  }
}

