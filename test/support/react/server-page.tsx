// What a server renders of an app that uses every component, before there is a space.
import { renderToString } from 'react-dom/server';
import { version } from 'react';
import { RegionClient } from '../../../src/client/region/index.js';
import { SpaceProvider, usePresence } from '../../../src/react/index.js';
import { ConnectionBadge } from '../../../src/react/connection-badge.js';
import { FailoverNotice } from '../../../src/react/failover-notice.js';
import { DeviceList } from '../../../src/react/device-list.js';
import { JoinSpace } from '../../../src/react/join-space.js';
import { PairDevice } from '../../../src/react/pair-device.js';
import { RegionSelector } from '../../../src/react/region-selector.js';
import { SyncIndicator } from '../../../src/react/sync-indicator.js';

function Presence(): string {
  return `present: ${usePresence({}).length}`;
}

export const reactVersion = version;

/** The markup, and how often the space was opened and the network asked. */
export function render(): { readonly html: string; readonly calls: number } {
  let calls = 0;
  const count = (): Promise<never> => {
    calls += 1;
    return new Promise(() => undefined);
  };
  const regions = new RegionClient({ origin: 'https://relay.example', fetch: count });
  const html = renderToString(
    <SpaceProvider open={count} regions={regions}>
      <RegionSelector />
      <ConnectionBadge />
      <SyncIndicator />
      <PairDevice />
      <DeviceList />
      <FailoverNotice />
      <JoinSpace join={count} onJoined={() => undefined} />
      <Presence />
    </SpaceProvider>,
  );
  return { html, calls };
}
