// The frames of what is never stored: ephemeral frames and topics.

export interface EphemeralListenFrame {
  readonly type: 'EphemeralListen';
  readonly listen: boolean;
}

export interface EphemeralSendFrame {
  readonly type: 'EphemeralSend';
  readonly keyEpoch: number;
  readonly sealed: Uint8Array;
}

export interface EphemeralFrame {
  readonly type: 'Ephemeral';
  readonly device: Uint8Array;
  readonly keyEpoch: number;
  readonly sealed: Uint8Array;
}

/** So many ephemeral frames did not reach this session since it was last told. */
export interface EphemeralMissedFrame {
  readonly type: 'EphemeralMissed';
  readonly count: number;
}

export interface TopicJoinFrame {
  readonly type: 'TopicJoin';
  readonly topic: Uint8Array;
}

export interface TopicLeaveFrame {
  readonly type: 'TopicLeave';
  readonly number: number;
}

/** `number` stands for the topic in the other frames, `peer` for this session in it. */
export interface TopicJoinedFrame {
  readonly type: 'TopicJoined';
  readonly topic: Uint8Array;
  readonly number: number;
  readonly peer: number;
}

export interface TopicPeerFrame {
  readonly type: 'TopicPeer';
  readonly number: number;
  readonly peer: number;
  readonly device: Uint8Array;
  readonly present: boolean;
}

/** To one peer, or to every peer up to that number. */
export interface TopicSendFrame {
  readonly type: 'TopicSend';
  readonly number: number;
  readonly toAll: boolean;
  readonly peer: number;
  readonly keyEpoch: number;
  readonly sealed: Uint8Array;
}

export interface TopicDataFrame {
  readonly type: 'TopicData';
  readonly number: number;
  readonly peer: number;
  readonly toAll: boolean;
  readonly keyEpoch: number;
  readonly sealed: Uint8Array;
}

/** Sent by both sides: so much was taken of what went to, or came from, that peer. */
export interface TopicCreditFrame {
  readonly type: 'TopicCredit';
  readonly number: number;
  readonly peer: number;
  readonly bytes: number;
}

export type LiveClientFrame = EphemeralListenFrame | EphemeralSendFrame | TopicJoinFrame | TopicLeaveFrame | TopicSendFrame | TopicCreditFrame;
export type LiveRelayFrame = EphemeralFrame | EphemeralMissedFrame | TopicJoinedFrame | TopicPeerFrame | TopicDataFrame | TopicCreditFrame;
