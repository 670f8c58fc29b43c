'use client';
/**
 * Hooks for React 18 and 19. They render on the server (there is no space yet) and survive strict mode.
 *
 * ```tsx
 * <SpaceProvider open={open}><App /></SpaceProvider>
 * ```
 */
export { SpaceProvider, useSealrelay, useSpace } from './provider.js';
export type { AnySpace, Regions, SealrelayContext, SpaceProviderProps } from './provider.js';
export { useConnectionStatus } from './use-connection-status.js';
export { useSyncStatus } from './use-sync-status.js';
export type { Blocked, SyncStatus } from './sync-store.js';
export { useDevices } from './use-devices.js';
export type { Devices } from './use-devices.js';
export { useRegions } from './use-regions.js';
export type { UsedRegions } from './use-regions.js';
export { useFailover } from './use-failover.js';
export type { UsedFailover } from './use-failover.js';
export type { Failover, FailoverNews, FailoverNewsKind } from './failover-store.js';
export { usePairing } from './use-pairing.js';
export type { Pairing } from './use-pairing.js';
export { useJoinSpace } from './use-join-space.js';
export type { Join, JoinError, JoinState, JoiningSpace } from './use-join-space.js';
export { usePresence } from './use-presence.js';
export type { Present } from './presence.js';
export type { CodePairing, CodePairingState } from './code-pairing.js';
export type { ExternalStore } from './external-store.js';
