// Original file: proto/gpusched/v1/scheduler.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CancelJobRequest as _gpusched_v1_CancelJobRequest, CancelJobRequest__Output as _gpusched_v1_CancelJobRequest__Output } from '../../gpusched/v1/CancelJobRequest.ts';
import type { ChangeNodeResponse as _gpusched_v1_ChangeNodeResponse, ChangeNodeResponse__Output as _gpusched_v1_ChangeNodeResponse__Output } from '../../gpusched/v1/ChangeNodeResponse.ts';
import type { CheckpointJobRequest as _gpusched_v1_CheckpointJobRequest, CheckpointJobRequest__Output as _gpusched_v1_CheckpointJobRequest__Output } from '../../gpusched/v1/CheckpointJobRequest.ts';
import type { CheckpointJobResponse as _gpusched_v1_CheckpointJobResponse, CheckpointJobResponse__Output as _gpusched_v1_CheckpointJobResponse__Output } from '../../gpusched/v1/CheckpointJobResponse.ts';
import type { ClusterStatus as _gpusched_v1_ClusterStatus, ClusterStatus__Output as _gpusched_v1_ClusterStatus__Output } from '../../gpusched/v1/ClusterStatus.ts';
import type { ConfirmNodeDeadRequest as _gpusched_v1_ConfirmNodeDeadRequest, ConfirmNodeDeadRequest__Output as _gpusched_v1_ConfirmNodeDeadRequest__Output } from '../../gpusched/v1/ConfirmNodeDeadRequest.ts';
import type { ConfirmNodeDeadResponse as _gpusched_v1_ConfirmNodeDeadResponse, ConfirmNodeDeadResponse__Output as _gpusched_v1_ConfirmNodeDeadResponse__Output } from '../../gpusched/v1/ConfirmNodeDeadResponse.ts';
import type { CordonNodeRequest as _gpusched_v1_CordonNodeRequest, CordonNodeRequest__Output as _gpusched_v1_CordonNodeRequest__Output } from '../../gpusched/v1/CordonNodeRequest.ts';
import type { CreateTenantRequest as _gpusched_v1_CreateTenantRequest, CreateTenantRequest__Output as _gpusched_v1_CreateTenantRequest__Output } from '../../gpusched/v1/CreateTenantRequest.ts';
import type { DeactivateTenantRequest as _gpusched_v1_DeactivateTenantRequest, DeactivateTenantRequest__Output as _gpusched_v1_DeactivateTenantRequest__Output } from '../../gpusched/v1/DeactivateTenantRequest.ts';
import type { DeviceWordRequest as _gpusched_v1_DeviceWordRequest, DeviceWordRequest__Output as _gpusched_v1_DeviceWordRequest__Output } from '../../gpusched/v1/DeviceWordRequest.ts';
import type { DrainNodeRequest as _gpusched_v1_DrainNodeRequest, DrainNodeRequest__Output as _gpusched_v1_DrainNodeRequest__Output } from '../../gpusched/v1/DrainNodeRequest.ts';
import type { DryRunJobResponse as _gpusched_v1_DryRunJobResponse, DryRunJobResponse__Output as _gpusched_v1_DryRunJobResponse__Output } from '../../gpusched/v1/DryRunJobResponse.ts';
import type { ExplainJobRequest as _gpusched_v1_ExplainJobRequest, ExplainJobRequest__Output as _gpusched_v1_ExplainJobRequest__Output } from '../../gpusched/v1/ExplainJobRequest.ts';
import type { Explanation as _gpusched_v1_Explanation, Explanation__Output as _gpusched_v1_Explanation__Output } from '../../gpusched/v1/Explanation.ts';
import type { GetClusterStatusRequest as _gpusched_v1_GetClusterStatusRequest, GetClusterStatusRequest__Output as _gpusched_v1_GetClusterStatusRequest__Output } from '../../gpusched/v1/GetClusterStatusRequest.ts';
import type { GetJobRequest as _gpusched_v1_GetJobRequest, GetJobRequest__Output as _gpusched_v1_GetJobRequest__Output } from '../../gpusched/v1/GetJobRequest.ts';
import type { GetTenantRequest as _gpusched_v1_GetTenantRequest, GetTenantRequest__Output as _gpusched_v1_GetTenantRequest__Output } from '../../gpusched/v1/GetTenantRequest.ts';
import type { Job as _gpusched_v1_Job, Job__Output as _gpusched_v1_Job__Output } from '../../gpusched/v1/Job.ts';
import type { ListJobsRequest as _gpusched_v1_ListJobsRequest, ListJobsRequest__Output as _gpusched_v1_ListJobsRequest__Output } from '../../gpusched/v1/ListJobsRequest.ts';
import type { ListJobsResponse as _gpusched_v1_ListJobsResponse, ListJobsResponse__Output as _gpusched_v1_ListJobsResponse__Output } from '../../gpusched/v1/ListJobsResponse.ts';
import type { ListNodesRequest as _gpusched_v1_ListNodesRequest, ListNodesRequest__Output as _gpusched_v1_ListNodesRequest__Output } from '../../gpusched/v1/ListNodesRequest.ts';
import type { ListNodesResponse as _gpusched_v1_ListNodesResponse, ListNodesResponse__Output as _gpusched_v1_ListNodesResponse__Output } from '../../gpusched/v1/ListNodesResponse.ts';
import type { ListTenantsRequest as _gpusched_v1_ListTenantsRequest, ListTenantsRequest__Output as _gpusched_v1_ListTenantsRequest__Output } from '../../gpusched/v1/ListTenantsRequest.ts';
import type { ListTenantsResponse as _gpusched_v1_ListTenantsResponse, ListTenantsResponse__Output as _gpusched_v1_ListTenantsResponse__Output } from '../../gpusched/v1/ListTenantsResponse.ts';
import type { LogChunk as _gpusched_v1_LogChunk, LogChunk__Output as _gpusched_v1_LogChunk__Output } from '../../gpusched/v1/LogChunk.ts';
import type { StreamLogsRequest as _gpusched_v1_StreamLogsRequest, StreamLogsRequest__Output as _gpusched_v1_StreamLogsRequest__Output } from '../../gpusched/v1/StreamLogsRequest.ts';
import type { SubmitJobRequest as _gpusched_v1_SubmitJobRequest, SubmitJobRequest__Output as _gpusched_v1_SubmitJobRequest__Output } from '../../gpusched/v1/SubmitJobRequest.ts';
import type { SubmitJobResponse as _gpusched_v1_SubmitJobResponse, SubmitJobResponse__Output as _gpusched_v1_SubmitJobResponse__Output } from '../../gpusched/v1/SubmitJobResponse.ts';
import type { SubmitJobsRequest as _gpusched_v1_SubmitJobsRequest, SubmitJobsRequest__Output as _gpusched_v1_SubmitJobsRequest__Output } from '../../gpusched/v1/SubmitJobsRequest.ts';
import type { SubmitJobsResponse as _gpusched_v1_SubmitJobsResponse, SubmitJobsResponse__Output as _gpusched_v1_SubmitJobsResponse__Output } from '../../gpusched/v1/SubmitJobsResponse.ts';
import type { Tenant as _gpusched_v1_Tenant, Tenant__Output as _gpusched_v1_Tenant__Output } from '../../gpusched/v1/Tenant.ts';
import type { UncordonNodeRequest as _gpusched_v1_UncordonNodeRequest, UncordonNodeRequest__Output as _gpusched_v1_UncordonNodeRequest__Output } from '../../gpusched/v1/UncordonNodeRequest.ts';
import type { UpdateTenantRequest as _gpusched_v1_UpdateTenantRequest, UpdateTenantRequest__Output as _gpusched_v1_UpdateTenantRequest__Output } from '../../gpusched/v1/UpdateTenantRequest.ts';

export interface SchedulerServiceClient extends grpc.Client {
  CancelJob(argument: _gpusched_v1_CancelJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  CancelJob(argument: _gpusched_v1_CancelJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  CancelJob(argument: _gpusched_v1_CancelJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  CancelJob(argument: _gpusched_v1_CancelJobRequest, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  cancelJob(argument: _gpusched_v1_CancelJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  cancelJob(argument: _gpusched_v1_CancelJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  cancelJob(argument: _gpusched_v1_CancelJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  cancelJob(argument: _gpusched_v1_CancelJobRequest, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  
  CheckpointJob(argument: _gpusched_v1_CheckpointJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_CheckpointJobResponse__Output>): grpc.ClientUnaryCall;
  CheckpointJob(argument: _gpusched_v1_CheckpointJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_CheckpointJobResponse__Output>): grpc.ClientUnaryCall;
  CheckpointJob(argument: _gpusched_v1_CheckpointJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_CheckpointJobResponse__Output>): grpc.ClientUnaryCall;
  CheckpointJob(argument: _gpusched_v1_CheckpointJobRequest, callback: grpc.requestCallback<_gpusched_v1_CheckpointJobResponse__Output>): grpc.ClientUnaryCall;
  checkpointJob(argument: _gpusched_v1_CheckpointJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_CheckpointJobResponse__Output>): grpc.ClientUnaryCall;
  checkpointJob(argument: _gpusched_v1_CheckpointJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_CheckpointJobResponse__Output>): grpc.ClientUnaryCall;
  checkpointJob(argument: _gpusched_v1_CheckpointJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_CheckpointJobResponse__Output>): grpc.ClientUnaryCall;
  checkpointJob(argument: _gpusched_v1_CheckpointJobRequest, callback: grpc.requestCallback<_gpusched_v1_CheckpointJobResponse__Output>): grpc.ClientUnaryCall;
  
  ConfirmNodeDead(argument: _gpusched_v1_ConfirmNodeDeadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ConfirmNodeDeadResponse__Output>): grpc.ClientUnaryCall;
  ConfirmNodeDead(argument: _gpusched_v1_ConfirmNodeDeadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ConfirmNodeDeadResponse__Output>): grpc.ClientUnaryCall;
  ConfirmNodeDead(argument: _gpusched_v1_ConfirmNodeDeadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ConfirmNodeDeadResponse__Output>): grpc.ClientUnaryCall;
  ConfirmNodeDead(argument: _gpusched_v1_ConfirmNodeDeadRequest, callback: grpc.requestCallback<_gpusched_v1_ConfirmNodeDeadResponse__Output>): grpc.ClientUnaryCall;
  confirmNodeDead(argument: _gpusched_v1_ConfirmNodeDeadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ConfirmNodeDeadResponse__Output>): grpc.ClientUnaryCall;
  confirmNodeDead(argument: _gpusched_v1_ConfirmNodeDeadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ConfirmNodeDeadResponse__Output>): grpc.ClientUnaryCall;
  confirmNodeDead(argument: _gpusched_v1_ConfirmNodeDeadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ConfirmNodeDeadResponse__Output>): grpc.ClientUnaryCall;
  confirmNodeDead(argument: _gpusched_v1_ConfirmNodeDeadRequest, callback: grpc.requestCallback<_gpusched_v1_ConfirmNodeDeadResponse__Output>): grpc.ClientUnaryCall;
  
  CordonNode(argument: _gpusched_v1_CordonNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  CordonNode(argument: _gpusched_v1_CordonNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  CordonNode(argument: _gpusched_v1_CordonNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  CordonNode(argument: _gpusched_v1_CordonNodeRequest, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  cordonNode(argument: _gpusched_v1_CordonNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  cordonNode(argument: _gpusched_v1_CordonNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  cordonNode(argument: _gpusched_v1_CordonNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  cordonNode(argument: _gpusched_v1_CordonNodeRequest, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  
  CreateTenant(argument: _gpusched_v1_CreateTenantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  CreateTenant(argument: _gpusched_v1_CreateTenantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  CreateTenant(argument: _gpusched_v1_CreateTenantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  CreateTenant(argument: _gpusched_v1_CreateTenantRequest, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  createTenant(argument: _gpusched_v1_CreateTenantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  createTenant(argument: _gpusched_v1_CreateTenantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  createTenant(argument: _gpusched_v1_CreateTenantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  createTenant(argument: _gpusched_v1_CreateTenantRequest, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  
  DeactivateTenant(argument: _gpusched_v1_DeactivateTenantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  DeactivateTenant(argument: _gpusched_v1_DeactivateTenantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  DeactivateTenant(argument: _gpusched_v1_DeactivateTenantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  DeactivateTenant(argument: _gpusched_v1_DeactivateTenantRequest, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  deactivateTenant(argument: _gpusched_v1_DeactivateTenantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  deactivateTenant(argument: _gpusched_v1_DeactivateTenantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  deactivateTenant(argument: _gpusched_v1_DeactivateTenantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  deactivateTenant(argument: _gpusched_v1_DeactivateTenantRequest, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  
  DrainNode(argument: _gpusched_v1_DrainNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  DrainNode(argument: _gpusched_v1_DrainNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  DrainNode(argument: _gpusched_v1_DrainNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  DrainNode(argument: _gpusched_v1_DrainNodeRequest, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  drainNode(argument: _gpusched_v1_DrainNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  drainNode(argument: _gpusched_v1_DrainNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  drainNode(argument: _gpusched_v1_DrainNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  drainNode(argument: _gpusched_v1_DrainNodeRequest, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  
  DryRunJob(argument: _gpusched_v1_SubmitJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_DryRunJobResponse__Output>): grpc.ClientUnaryCall;
  DryRunJob(argument: _gpusched_v1_SubmitJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_DryRunJobResponse__Output>): grpc.ClientUnaryCall;
  DryRunJob(argument: _gpusched_v1_SubmitJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_DryRunJobResponse__Output>): grpc.ClientUnaryCall;
  DryRunJob(argument: _gpusched_v1_SubmitJobRequest, callback: grpc.requestCallback<_gpusched_v1_DryRunJobResponse__Output>): grpc.ClientUnaryCall;
  dryRunJob(argument: _gpusched_v1_SubmitJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_DryRunJobResponse__Output>): grpc.ClientUnaryCall;
  dryRunJob(argument: _gpusched_v1_SubmitJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_DryRunJobResponse__Output>): grpc.ClientUnaryCall;
  dryRunJob(argument: _gpusched_v1_SubmitJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_DryRunJobResponse__Output>): grpc.ClientUnaryCall;
  dryRunJob(argument: _gpusched_v1_SubmitJobRequest, callback: grpc.requestCallback<_gpusched_v1_DryRunJobResponse__Output>): grpc.ClientUnaryCall;
  
  ExplainJob(argument: _gpusched_v1_ExplainJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Explanation__Output>): grpc.ClientUnaryCall;
  ExplainJob(argument: _gpusched_v1_ExplainJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Explanation__Output>): grpc.ClientUnaryCall;
  ExplainJob(argument: _gpusched_v1_ExplainJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Explanation__Output>): grpc.ClientUnaryCall;
  ExplainJob(argument: _gpusched_v1_ExplainJobRequest, callback: grpc.requestCallback<_gpusched_v1_Explanation__Output>): grpc.ClientUnaryCall;
  explainJob(argument: _gpusched_v1_ExplainJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Explanation__Output>): grpc.ClientUnaryCall;
  explainJob(argument: _gpusched_v1_ExplainJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Explanation__Output>): grpc.ClientUnaryCall;
  explainJob(argument: _gpusched_v1_ExplainJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Explanation__Output>): grpc.ClientUnaryCall;
  explainJob(argument: _gpusched_v1_ExplainJobRequest, callback: grpc.requestCallback<_gpusched_v1_Explanation__Output>): grpc.ClientUnaryCall;
  
  GetClusterStatus(argument: _gpusched_v1_GetClusterStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ClusterStatus__Output>): grpc.ClientUnaryCall;
  GetClusterStatus(argument: _gpusched_v1_GetClusterStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ClusterStatus__Output>): grpc.ClientUnaryCall;
  GetClusterStatus(argument: _gpusched_v1_GetClusterStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ClusterStatus__Output>): grpc.ClientUnaryCall;
  GetClusterStatus(argument: _gpusched_v1_GetClusterStatusRequest, callback: grpc.requestCallback<_gpusched_v1_ClusterStatus__Output>): grpc.ClientUnaryCall;
  getClusterStatus(argument: _gpusched_v1_GetClusterStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ClusterStatus__Output>): grpc.ClientUnaryCall;
  getClusterStatus(argument: _gpusched_v1_GetClusterStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ClusterStatus__Output>): grpc.ClientUnaryCall;
  getClusterStatus(argument: _gpusched_v1_GetClusterStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ClusterStatus__Output>): grpc.ClientUnaryCall;
  getClusterStatus(argument: _gpusched_v1_GetClusterStatusRequest, callback: grpc.requestCallback<_gpusched_v1_ClusterStatus__Output>): grpc.ClientUnaryCall;
  
  GetJob(argument: _gpusched_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  GetJob(argument: _gpusched_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  GetJob(argument: _gpusched_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  GetJob(argument: _gpusched_v1_GetJobRequest, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  getJob(argument: _gpusched_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  getJob(argument: _gpusched_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  getJob(argument: _gpusched_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  getJob(argument: _gpusched_v1_GetJobRequest, callback: grpc.requestCallback<_gpusched_v1_Job__Output>): grpc.ClientUnaryCall;
  
  GetTenant(argument: _gpusched_v1_GetTenantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  GetTenant(argument: _gpusched_v1_GetTenantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  GetTenant(argument: _gpusched_v1_GetTenantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  GetTenant(argument: _gpusched_v1_GetTenantRequest, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  getTenant(argument: _gpusched_v1_GetTenantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  getTenant(argument: _gpusched_v1_GetTenantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  getTenant(argument: _gpusched_v1_GetTenantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  getTenant(argument: _gpusched_v1_GetTenantRequest, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  
  ListJobs(argument: _gpusched_v1_ListJobsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  ListJobs(argument: _gpusched_v1_ListJobsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  ListJobs(argument: _gpusched_v1_ListJobsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  ListJobs(argument: _gpusched_v1_ListJobsRequest, callback: grpc.requestCallback<_gpusched_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  listJobs(argument: _gpusched_v1_ListJobsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  listJobs(argument: _gpusched_v1_ListJobsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  listJobs(argument: _gpusched_v1_ListJobsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  listJobs(argument: _gpusched_v1_ListJobsRequest, callback: grpc.requestCallback<_gpusched_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  
  ListNodes(argument: _gpusched_v1_ListNodesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  ListNodes(argument: _gpusched_v1_ListNodesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  ListNodes(argument: _gpusched_v1_ListNodesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  ListNodes(argument: _gpusched_v1_ListNodesRequest, callback: grpc.requestCallback<_gpusched_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  listNodes(argument: _gpusched_v1_ListNodesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  listNodes(argument: _gpusched_v1_ListNodesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  listNodes(argument: _gpusched_v1_ListNodesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  listNodes(argument: _gpusched_v1_ListNodesRequest, callback: grpc.requestCallback<_gpusched_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  
  ListTenants(argument: _gpusched_v1_ListTenantsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ListTenantsResponse__Output>): grpc.ClientUnaryCall;
  ListTenants(argument: _gpusched_v1_ListTenantsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ListTenantsResponse__Output>): grpc.ClientUnaryCall;
  ListTenants(argument: _gpusched_v1_ListTenantsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ListTenantsResponse__Output>): grpc.ClientUnaryCall;
  ListTenants(argument: _gpusched_v1_ListTenantsRequest, callback: grpc.requestCallback<_gpusched_v1_ListTenantsResponse__Output>): grpc.ClientUnaryCall;
  listTenants(argument: _gpusched_v1_ListTenantsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ListTenantsResponse__Output>): grpc.ClientUnaryCall;
  listTenants(argument: _gpusched_v1_ListTenantsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ListTenantsResponse__Output>): grpc.ClientUnaryCall;
  listTenants(argument: _gpusched_v1_ListTenantsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ListTenantsResponse__Output>): grpc.ClientUnaryCall;
  listTenants(argument: _gpusched_v1_ListTenantsRequest, callback: grpc.requestCallback<_gpusched_v1_ListTenantsResponse__Output>): grpc.ClientUnaryCall;
  
  QuarantineDevice(argument: _gpusched_v1_DeviceWordRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  QuarantineDevice(argument: _gpusched_v1_DeviceWordRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  QuarantineDevice(argument: _gpusched_v1_DeviceWordRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  QuarantineDevice(argument: _gpusched_v1_DeviceWordRequest, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  quarantineDevice(argument: _gpusched_v1_DeviceWordRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  quarantineDevice(argument: _gpusched_v1_DeviceWordRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  quarantineDevice(argument: _gpusched_v1_DeviceWordRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  quarantineDevice(argument: _gpusched_v1_DeviceWordRequest, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  
  ReleaseDevice(argument: _gpusched_v1_DeviceWordRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  ReleaseDevice(argument: _gpusched_v1_DeviceWordRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  ReleaseDevice(argument: _gpusched_v1_DeviceWordRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  ReleaseDevice(argument: _gpusched_v1_DeviceWordRequest, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  releaseDevice(argument: _gpusched_v1_DeviceWordRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  releaseDevice(argument: _gpusched_v1_DeviceWordRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  releaseDevice(argument: _gpusched_v1_DeviceWordRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  releaseDevice(argument: _gpusched_v1_DeviceWordRequest, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  
  StreamLogs(argument: _gpusched_v1_StreamLogsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_gpusched_v1_LogChunk__Output>;
  StreamLogs(argument: _gpusched_v1_StreamLogsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_gpusched_v1_LogChunk__Output>;
  streamLogs(argument: _gpusched_v1_StreamLogsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_gpusched_v1_LogChunk__Output>;
  streamLogs(argument: _gpusched_v1_StreamLogsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_gpusched_v1_LogChunk__Output>;
  
  SubmitJob(argument: _gpusched_v1_SubmitJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  SubmitJob(argument: _gpusched_v1_SubmitJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  SubmitJob(argument: _gpusched_v1_SubmitJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  SubmitJob(argument: _gpusched_v1_SubmitJobRequest, callback: grpc.requestCallback<_gpusched_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  submitJob(argument: _gpusched_v1_SubmitJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  submitJob(argument: _gpusched_v1_SubmitJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  submitJob(argument: _gpusched_v1_SubmitJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  submitJob(argument: _gpusched_v1_SubmitJobRequest, callback: grpc.requestCallback<_gpusched_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  
  SubmitJobs(argument: _gpusched_v1_SubmitJobsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_SubmitJobsResponse__Output>): grpc.ClientUnaryCall;
  SubmitJobs(argument: _gpusched_v1_SubmitJobsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_SubmitJobsResponse__Output>): grpc.ClientUnaryCall;
  SubmitJobs(argument: _gpusched_v1_SubmitJobsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_SubmitJobsResponse__Output>): grpc.ClientUnaryCall;
  SubmitJobs(argument: _gpusched_v1_SubmitJobsRequest, callback: grpc.requestCallback<_gpusched_v1_SubmitJobsResponse__Output>): grpc.ClientUnaryCall;
  submitJobs(argument: _gpusched_v1_SubmitJobsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_SubmitJobsResponse__Output>): grpc.ClientUnaryCall;
  submitJobs(argument: _gpusched_v1_SubmitJobsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_SubmitJobsResponse__Output>): grpc.ClientUnaryCall;
  submitJobs(argument: _gpusched_v1_SubmitJobsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_SubmitJobsResponse__Output>): grpc.ClientUnaryCall;
  submitJobs(argument: _gpusched_v1_SubmitJobsRequest, callback: grpc.requestCallback<_gpusched_v1_SubmitJobsResponse__Output>): grpc.ClientUnaryCall;
  
  UncordonNode(argument: _gpusched_v1_UncordonNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  UncordonNode(argument: _gpusched_v1_UncordonNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  UncordonNode(argument: _gpusched_v1_UncordonNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  UncordonNode(argument: _gpusched_v1_UncordonNodeRequest, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  uncordonNode(argument: _gpusched_v1_UncordonNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  uncordonNode(argument: _gpusched_v1_UncordonNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  uncordonNode(argument: _gpusched_v1_UncordonNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  uncordonNode(argument: _gpusched_v1_UncordonNodeRequest, callback: grpc.requestCallback<_gpusched_v1_ChangeNodeResponse__Output>): grpc.ClientUnaryCall;
  
  UpdateTenant(argument: _gpusched_v1_UpdateTenantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  UpdateTenant(argument: _gpusched_v1_UpdateTenantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  UpdateTenant(argument: _gpusched_v1_UpdateTenantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  UpdateTenant(argument: _gpusched_v1_UpdateTenantRequest, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  updateTenant(argument: _gpusched_v1_UpdateTenantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  updateTenant(argument: _gpusched_v1_UpdateTenantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  updateTenant(argument: _gpusched_v1_UpdateTenantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  updateTenant(argument: _gpusched_v1_UpdateTenantRequest, callback: grpc.requestCallback<_gpusched_v1_Tenant__Output>): grpc.ClientUnaryCall;
  
}

export interface SchedulerServiceHandlers extends grpc.UntypedServiceImplementation {
  CancelJob: grpc.handleUnaryCall<_gpusched_v1_CancelJobRequest__Output, _gpusched_v1_Job>;
  
  CheckpointJob: grpc.handleUnaryCall<_gpusched_v1_CheckpointJobRequest__Output, _gpusched_v1_CheckpointJobResponse>;
  
  ConfirmNodeDead: grpc.handleUnaryCall<_gpusched_v1_ConfirmNodeDeadRequest__Output, _gpusched_v1_ConfirmNodeDeadResponse>;
  
  CordonNode: grpc.handleUnaryCall<_gpusched_v1_CordonNodeRequest__Output, _gpusched_v1_ChangeNodeResponse>;
  
  CreateTenant: grpc.handleUnaryCall<_gpusched_v1_CreateTenantRequest__Output, _gpusched_v1_Tenant>;
  
  DeactivateTenant: grpc.handleUnaryCall<_gpusched_v1_DeactivateTenantRequest__Output, _gpusched_v1_Tenant>;
  
  DrainNode: grpc.handleUnaryCall<_gpusched_v1_DrainNodeRequest__Output, _gpusched_v1_ChangeNodeResponse>;
  
  DryRunJob: grpc.handleUnaryCall<_gpusched_v1_SubmitJobRequest__Output, _gpusched_v1_DryRunJobResponse>;
  
  ExplainJob: grpc.handleUnaryCall<_gpusched_v1_ExplainJobRequest__Output, _gpusched_v1_Explanation>;
  
  GetClusterStatus: grpc.handleUnaryCall<_gpusched_v1_GetClusterStatusRequest__Output, _gpusched_v1_ClusterStatus>;
  
  GetJob: grpc.handleUnaryCall<_gpusched_v1_GetJobRequest__Output, _gpusched_v1_Job>;
  
  GetTenant: grpc.handleUnaryCall<_gpusched_v1_GetTenantRequest__Output, _gpusched_v1_Tenant>;
  
  ListJobs: grpc.handleUnaryCall<_gpusched_v1_ListJobsRequest__Output, _gpusched_v1_ListJobsResponse>;
  
  ListNodes: grpc.handleUnaryCall<_gpusched_v1_ListNodesRequest__Output, _gpusched_v1_ListNodesResponse>;
  
  ListTenants: grpc.handleUnaryCall<_gpusched_v1_ListTenantsRequest__Output, _gpusched_v1_ListTenantsResponse>;
  
  QuarantineDevice: grpc.handleUnaryCall<_gpusched_v1_DeviceWordRequest__Output, _gpusched_v1_ChangeNodeResponse>;
  
  ReleaseDevice: grpc.handleUnaryCall<_gpusched_v1_DeviceWordRequest__Output, _gpusched_v1_ChangeNodeResponse>;
  
  StreamLogs: grpc.handleServerStreamingCall<_gpusched_v1_StreamLogsRequest__Output, _gpusched_v1_LogChunk>;
  
  SubmitJob: grpc.handleUnaryCall<_gpusched_v1_SubmitJobRequest__Output, _gpusched_v1_SubmitJobResponse>;
  
  SubmitJobs: grpc.handleUnaryCall<_gpusched_v1_SubmitJobsRequest__Output, _gpusched_v1_SubmitJobsResponse>;
  
  UncordonNode: grpc.handleUnaryCall<_gpusched_v1_UncordonNodeRequest__Output, _gpusched_v1_ChangeNodeResponse>;
  
  UpdateTenant: grpc.handleUnaryCall<_gpusched_v1_UpdateTenantRequest__Output, _gpusched_v1_Tenant>;
  
}

export interface SchedulerServiceDefinition extends grpc.ServiceDefinition {
  CancelJob: MethodDefinition<_gpusched_v1_CancelJobRequest, _gpusched_v1_Job, _gpusched_v1_CancelJobRequest__Output, _gpusched_v1_Job__Output>
  CheckpointJob: MethodDefinition<_gpusched_v1_CheckpointJobRequest, _gpusched_v1_CheckpointJobResponse, _gpusched_v1_CheckpointJobRequest__Output, _gpusched_v1_CheckpointJobResponse__Output>
  ConfirmNodeDead: MethodDefinition<_gpusched_v1_ConfirmNodeDeadRequest, _gpusched_v1_ConfirmNodeDeadResponse, _gpusched_v1_ConfirmNodeDeadRequest__Output, _gpusched_v1_ConfirmNodeDeadResponse__Output>
  CordonNode: MethodDefinition<_gpusched_v1_CordonNodeRequest, _gpusched_v1_ChangeNodeResponse, _gpusched_v1_CordonNodeRequest__Output, _gpusched_v1_ChangeNodeResponse__Output>
  CreateTenant: MethodDefinition<_gpusched_v1_CreateTenantRequest, _gpusched_v1_Tenant, _gpusched_v1_CreateTenantRequest__Output, _gpusched_v1_Tenant__Output>
  DeactivateTenant: MethodDefinition<_gpusched_v1_DeactivateTenantRequest, _gpusched_v1_Tenant, _gpusched_v1_DeactivateTenantRequest__Output, _gpusched_v1_Tenant__Output>
  DrainNode: MethodDefinition<_gpusched_v1_DrainNodeRequest, _gpusched_v1_ChangeNodeResponse, _gpusched_v1_DrainNodeRequest__Output, _gpusched_v1_ChangeNodeResponse__Output>
  DryRunJob: MethodDefinition<_gpusched_v1_SubmitJobRequest, _gpusched_v1_DryRunJobResponse, _gpusched_v1_SubmitJobRequest__Output, _gpusched_v1_DryRunJobResponse__Output>
  ExplainJob: MethodDefinition<_gpusched_v1_ExplainJobRequest, _gpusched_v1_Explanation, _gpusched_v1_ExplainJobRequest__Output, _gpusched_v1_Explanation__Output>
  GetClusterStatus: MethodDefinition<_gpusched_v1_GetClusterStatusRequest, _gpusched_v1_ClusterStatus, _gpusched_v1_GetClusterStatusRequest__Output, _gpusched_v1_ClusterStatus__Output>
  GetJob: MethodDefinition<_gpusched_v1_GetJobRequest, _gpusched_v1_Job, _gpusched_v1_GetJobRequest__Output, _gpusched_v1_Job__Output>
  GetTenant: MethodDefinition<_gpusched_v1_GetTenantRequest, _gpusched_v1_Tenant, _gpusched_v1_GetTenantRequest__Output, _gpusched_v1_Tenant__Output>
  ListJobs: MethodDefinition<_gpusched_v1_ListJobsRequest, _gpusched_v1_ListJobsResponse, _gpusched_v1_ListJobsRequest__Output, _gpusched_v1_ListJobsResponse__Output>
  ListNodes: MethodDefinition<_gpusched_v1_ListNodesRequest, _gpusched_v1_ListNodesResponse, _gpusched_v1_ListNodesRequest__Output, _gpusched_v1_ListNodesResponse__Output>
  ListTenants: MethodDefinition<_gpusched_v1_ListTenantsRequest, _gpusched_v1_ListTenantsResponse, _gpusched_v1_ListTenantsRequest__Output, _gpusched_v1_ListTenantsResponse__Output>
  QuarantineDevice: MethodDefinition<_gpusched_v1_DeviceWordRequest, _gpusched_v1_ChangeNodeResponse, _gpusched_v1_DeviceWordRequest__Output, _gpusched_v1_ChangeNodeResponse__Output>
  ReleaseDevice: MethodDefinition<_gpusched_v1_DeviceWordRequest, _gpusched_v1_ChangeNodeResponse, _gpusched_v1_DeviceWordRequest__Output, _gpusched_v1_ChangeNodeResponse__Output>
  StreamLogs: MethodDefinition<_gpusched_v1_StreamLogsRequest, _gpusched_v1_LogChunk, _gpusched_v1_StreamLogsRequest__Output, _gpusched_v1_LogChunk__Output>
  SubmitJob: MethodDefinition<_gpusched_v1_SubmitJobRequest, _gpusched_v1_SubmitJobResponse, _gpusched_v1_SubmitJobRequest__Output, _gpusched_v1_SubmitJobResponse__Output>
  SubmitJobs: MethodDefinition<_gpusched_v1_SubmitJobsRequest, _gpusched_v1_SubmitJobsResponse, _gpusched_v1_SubmitJobsRequest__Output, _gpusched_v1_SubmitJobsResponse__Output>
  UncordonNode: MethodDefinition<_gpusched_v1_UncordonNodeRequest, _gpusched_v1_ChangeNodeResponse, _gpusched_v1_UncordonNodeRequest__Output, _gpusched_v1_ChangeNodeResponse__Output>
  UpdateTenant: MethodDefinition<_gpusched_v1_UpdateTenantRequest, _gpusched_v1_Tenant, _gpusched_v1_UpdateTenantRequest__Output, _gpusched_v1_Tenant__Output>
}
