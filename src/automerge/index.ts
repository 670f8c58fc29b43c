/**
 * automerge-repo over a relay that cannot read the documents:
 *
 * ```ts
 * import { SealrelayNetworkAdapter } from 'sealrelay/automerge';
 * const repo = new Repo({ network: [new SealrelayNetworkAdapter({ link: spaceLink })] });
 * ```
 */
export { SealrelayNetworkAdapter } from './adapter.js';
export type { AdapterOptions } from './adapter.js';
