// What a network for direct ways has to offer; Hyperswarm is one.

export interface DirectStreamEvents {
  data(bytes: Uint8Array): void;
  /** Comes once. */
  closed(): void;
}

/** A stream of bytes to another peer, encrypted by the network. */
export interface DirectStream {
  /** One of the two sides. */
  readonly isInitiator: boolean;
  /** Bytes that both sides have and nobody between them can have made equal. */
  readonly binding: Uint8Array;
  /** Resolves when more may be written; never, once it is closed. */
  write(bytes: Uint8Array): Promise<void>;
  pause(): void;
  resume(): void;
  /** What was written before still goes out. */
  close(): void;
  /** Called once, at once. */
  listen(events: DirectStreamEvents): void;
}

/** A place where those meet who know its name. */
export interface DirectMembership {
  close(): Promise<void>;
}

export interface DirectNetwork {
  /** Meets others under this name of 32 bytes. Rejects when the network cannot be used. */
  join(name: Uint8Array, found: (stream: DirectStream) => void): Promise<DirectMembership>;
}
