// Original file: proto/gpusched/v1/agent.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AgentMessage as _gpusched_v1_AgentMessage, AgentMessage__Output as _gpusched_v1_AgentMessage__Output } from '../../gpusched/v1/AgentMessage.ts';
import type { ControllerMessage as _gpusched_v1_ControllerMessage, ControllerMessage__Output as _gpusched_v1_ControllerMessage__Output } from '../../gpusched/v1/ControllerMessage.ts';
import type { LogRequest as _gpusched_v1_LogRequest, LogRequest__Output as _gpusched_v1_LogRequest__Output } from '../../gpusched/v1/LogRequest.ts';
import type { LogServerMessage as _gpusched_v1_LogServerMessage, LogServerMessage__Output as _gpusched_v1_LogServerMessage__Output } from '../../gpusched/v1/LogServerMessage.ts';

export interface AgentServiceClient extends grpc.Client {
  Connect(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_AgentMessage, _gpusched_v1_ControllerMessage__Output>;
  Connect(options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_AgentMessage, _gpusched_v1_ControllerMessage__Output>;
  connect(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_AgentMessage, _gpusched_v1_ControllerMessage__Output>;
  connect(options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_AgentMessage, _gpusched_v1_ControllerMessage__Output>;
  
  ServeLogs(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_LogServerMessage, _gpusched_v1_LogRequest__Output>;
  ServeLogs(options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_LogServerMessage, _gpusched_v1_LogRequest__Output>;
  serveLogs(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_LogServerMessage, _gpusched_v1_LogRequest__Output>;
  serveLogs(options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_LogServerMessage, _gpusched_v1_LogRequest__Output>;
  
}

export interface AgentServiceHandlers extends grpc.UntypedServiceImplementation {
  Connect: grpc.handleBidiStreamingCall<_gpusched_v1_AgentMessage__Output, _gpusched_v1_ControllerMessage>;
  
  ServeLogs: grpc.handleBidiStreamingCall<_gpusched_v1_LogServerMessage__Output, _gpusched_v1_LogRequest>;
  
}

export interface AgentServiceDefinition extends grpc.ServiceDefinition {
  Connect: MethodDefinition<_gpusched_v1_AgentMessage, _gpusched_v1_ControllerMessage, _gpusched_v1_AgentMessage__Output, _gpusched_v1_ControllerMessage__Output>
  ServeLogs: MethodDefinition<_gpusched_v1_LogServerMessage, _gpusched_v1_LogRequest, _gpusched_v1_LogServerMessage__Output, _gpusched_v1_LogRequest__Output>
}
