// Original file: proto/gpusched/v1/peer.proto


export interface PeerQuestion {
  'cluster_id'?: (string);
  'node_name'?: (string);
}

export interface PeerQuestion__Output {
  'cluster_id': (string);
  'node_name': (string);
}
