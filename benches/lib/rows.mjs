// What is measured against what.

/** @typedef {'relay' | 'limit' | 'ws-batched' | 'ws'} ServerName */
/**
 * @typedef {object} Row
 * @property {string} id
 * @property {string} title
 * @property {'push' | 'fanout'} mode
 * @property {number} connections  senders of a push, subscribers of a fan-out
 * @property {number} inFlight
 * @property {number} bytes
 * @property {readonly ServerName[]} servers
 */

/** @type {readonly ServerName[]} */
export const SERVERS = ['relay', 'limit', 'ws-batched', 'ws'];

/** @type {readonly ServerName[]} */
const STORING = ['relay', 'limit'];

/** @type {readonly Row[]} */
export const ROWS = [
  { id: 'push-1', title: 'durable push, 1 KiB, 1 connection, 1 in flight', mode: 'push', connections: 1, inFlight: 1, bytes: 1024, servers: STORING },
  { id: 'push-64', title: 'durable push, 1 KiB, 64 connections, 1 in flight', mode: 'push', connections: 64, inFlight: 1, bytes: 1024, servers: STORING },
  { id: 'push-64x16', title: 'durable push, 1 KiB, 64 connections, 16 in flight', mode: 'push', connections: 64, inFlight: 16, bytes: 1024, servers: STORING },
  { id: 'fanout-64', title: 'fan-out 1→1000, 128 B, 64 in flight', mode: 'fanout', connections: 1000, inFlight: 64, bytes: 128, servers: SERVERS },
  { id: 'fanout-1', title: 'fan-out 1→1000, 128 B, 1 in flight', mode: 'fanout', connections: 1000, inFlight: 1, bytes: 128, servers: SERVERS },
];
