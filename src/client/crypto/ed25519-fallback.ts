/**
 * Ed25519 in JavaScript, for browsers whose WebCrypto has X25519 and no Ed25519. It is a file of its own that bundlers which split code load only
 * where it is needed.
 *
 * ```ts
 * const space = await openSpace({ link, parts: [ed25519Fallback] });
 * ```
 */
import type { Ed25519 } from '../../protocol/ed25519.js';
import type { SpacePart } from '../space/space-part.js';

/** Ed25519 by noble, loaded when it is asked for. */
export async function lazyEd25519(): Promise<Ed25519> {
  return (await import('./ed25519-noble.js')).nobleEd25519();
}

/** The part, for any space. It is used only where WebCrypto does not do it. */
export const ed25519Fallback: SpacePart = { name: 'ed25519Fallback', ed25519: lazyEd25519 };
