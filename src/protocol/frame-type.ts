// The one table of frame numbers of the native protocol; a number is never reused.

/** Frame name to number, as in docs/protocol.md section 2. */
export const FRAME_TYPE = {
  Hello: 0x01,
  Challenge: 0x02,
  Proof: 0x03,
  Welcome: 0x04,
  Error: 0x05,
  Goaway: 0x06,
  Ping: 0x07,
  Pong: 0x08,
  Push: 0x10,
  Receipt: 0x11,
  Pull: 0x12,
  Subscribe: 0x13,
  Entries: 0x14,
  Ack: 0x15,
  AckNotice: 0x16,
  RosterPut: 0x17,
  RosterUpdate: 0x18,
  LogReset: 0x19,
  CursorExpired: 0x1a,
  PullLeaves: 0x1b,
  Leaves: 0x1c,
  SnapshotBegin: 0x20,
  SnapshotChunk: 0x21,
  SnapshotStatus: 0x22,
  SnapshotGet: 0x23,
  SnapshotManifest: 0x24,
  SnapshotAck: 0x25,
  SnapshotDue: 0x26,
  SessionTicket: 0x60,
  SessionToken: 0x61,
} as const;

/** The name of a frame. */
export type FrameName = keyof typeof FRAME_TYPE;
