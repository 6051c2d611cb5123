// Original file: proto/gpusched/v1/peer.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AgentMessage as _gpusched_v1_AgentMessage, AgentMessage__Output as _gpusched_v1_AgentMessage__Output } from '../../gpusched/v1/AgentMessage.ts';
import type { ControllerMessage as _gpusched_v1_ControllerMessage, ControllerMessage__Output as _gpusched_v1_ControllerMessage__Output } from '../../gpusched/v1/ControllerMessage.ts';
import type { LogRequest as _gpusched_v1_LogRequest, LogRequest__Output as _gpusched_v1_LogRequest__Output } from '../../gpusched/v1/LogRequest.ts';
import type { LogServerMessage as _gpusched_v1_LogServerMessage, LogServerMessage__Output as _gpusched_v1_LogServerMessage__Output } from '../../gpusched/v1/LogServerMessage.ts';
import type { PeerAnswer as _gpusched_v1_PeerAnswer, PeerAnswer__Output as _gpusched_v1_PeerAnswer__Output } from '../../gpusched/v1/PeerAnswer.ts';
import type { PeerQuestion as _gpusched_v1_PeerQuestion, PeerQuestion__Output as _gpusched_v1_PeerQuestion__Output } from '../../gpusched/v1/PeerQuestion.ts';

export interface PeerServiceClient extends grpc.Client {
  Ask(argument: _gpusched_v1_PeerQuestion, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_PeerAnswer__Output>): grpc.ClientUnaryCall;
  Ask(argument: _gpusched_v1_PeerQuestion, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_PeerAnswer__Output>): grpc.ClientUnaryCall;
  Ask(argument: _gpusched_v1_PeerQuestion, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_PeerAnswer__Output>): grpc.ClientUnaryCall;
  Ask(argument: _gpusched_v1_PeerQuestion, callback: grpc.requestCallback<_gpusched_v1_PeerAnswer__Output>): grpc.ClientUnaryCall;
  ask(argument: _gpusched_v1_PeerQuestion, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_PeerAnswer__Output>): grpc.ClientUnaryCall;
  ask(argument: _gpusched_v1_PeerQuestion, metadata: grpc.Metadata, callback: grpc.requestCallback<_gpusched_v1_PeerAnswer__Output>): grpc.ClientUnaryCall;
  ask(argument: _gpusched_v1_PeerQuestion, options: grpc.CallOptions, callback: grpc.requestCallback<_gpusched_v1_PeerAnswer__Output>): grpc.ClientUnaryCall;
  ask(argument: _gpusched_v1_PeerQuestion, callback: grpc.requestCallback<_gpusched_v1_PeerAnswer__Output>): grpc.ClientUnaryCall;
  
  Relay(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_AgentMessage, _gpusched_v1_ControllerMessage__Output>;
  Relay(options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_AgentMessage, _gpusched_v1_ControllerMessage__Output>;
  relay(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_AgentMessage, _gpusched_v1_ControllerMessage__Output>;
  relay(options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_AgentMessage, _gpusched_v1_ControllerMessage__Output>;
  
  RelayLogs(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_LogServerMessage, _gpusched_v1_LogRequest__Output>;
  RelayLogs(options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_LogServerMessage, _gpusched_v1_LogRequest__Output>;
  relayLogs(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_LogServerMessage, _gpusched_v1_LogRequest__Output>;
  relayLogs(options?: grpc.CallOptions): grpc.ClientDuplexStream<_gpusched_v1_LogServerMessage, _gpusched_v1_LogRequest__Output>;
  
}

export interface PeerServiceHandlers extends grpc.UntypedServiceImplementation {
  Ask: grpc.handleUnaryCall<_gpusched_v1_PeerQuestion__Output, _gpusched_v1_PeerAnswer>;
  
  Relay: grpc.handleBidiStreamingCall<_gpusched_v1_AgentMessage__Output, _gpusched_v1_ControllerMessage>;
  
  RelayLogs: grpc.handleBidiStreamingCall<_gpusched_v1_LogServerMessage__Output, _gpusched_v1_LogRequest>;
  
}

export interface PeerServiceDefinition extends grpc.ServiceDefinition {
  Ask: MethodDefinition<_gpusched_v1_PeerQuestion, _gpusched_v1_PeerAnswer, _gpusched_v1_PeerQuestion__Output, _gpusched_v1_PeerAnswer__Output>
  Relay: MethodDefinition<_gpusched_v1_AgentMessage, _gpusched_v1_ControllerMessage, _gpusched_v1_AgentMessage__Output, _gpusched_v1_ControllerMessage__Output>
  RelayLogs: MethodDefinition<_gpusched_v1_LogServerMessage, _gpusched_v1_LogRequest, _gpusched_v1_LogServerMessage__Output, _gpusched_v1_LogRequest__Output>
}
