// Whether this relay shows the demo, and the files of it.
import { join } from 'node:path';
import { isForThisMachine } from '../../config/bind.js';
import type { Config } from '../../config/options.js';
import { readPageFiles } from '../page-files.js';
import type { DemoDeps } from './demo-routes.js';

/** Beside the compiled server. */
const PAGE_FOLDER = join(import.meta.dirname, '../../demo');

/** Whoever may open the page may make spaces, so by itself it is only where nobody else comes. */
export function showsDemo(config: Pick<Config, 'demo' | 'host' | 'behind-proxy'>): boolean {
  if (config.demo !== 'auto') return config.demo === 'on';
  return isForThisMachine(config);
}

/** Null when it is off. */
export function openDemo(config: Config, relayAddress: () => string | null): DemoDeps | null {
  return showsDemo(config) ? { files: readPageFiles(PAGE_FOLDER), relayAddress } : null;
}
