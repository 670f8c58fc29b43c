// The stored state of a device that has read nothing yet.
import { formatRelayAddress } from '../../protocol/address.js';
import type { RelayAddress } from '../../protocol/address.js';
import { ZEROS } from '../../protocol/hash.js';
import { encodeDeviceSecret } from '../crypto/keys.js';
import type { DeviceSecret } from '../crypto/keys.js';
import type { DeviceState } from '../store/device-store.js';

export function freshState(address: RelayAddress, space: Uint8Array, rootSecret: Uint8Array | null, device: DeviceSecret, roster: DeviceState['roster']): DeviceState {
  return {
    format: 1,
    relay: formatRelayAddress(address),
    space,
    rootSecret,
    deviceSecret: encodeDeviceSecret(device),
    roster,
    log: null,
    chains: [],
    own: { pushSeq: 0, entryId: ZEROS, storedPushSeq: 0 },
    acked: { logEpoch: 0, size: 0, time: 0 },
    policy: null,
  };
}
