/** Every part that needs nothing of the app, for programs whose size does not matter: `openSpace({ link, parts: allParts })`. */
import { blobs } from './blobs/index.js';
import { ed25519Fallback } from './crypto/ed25519-fallback.js';
import { erasing } from './erasing/index.js';
import { live } from './live/index.js';
import { httpFallback } from './transport/index.js';

export const allParts = [live, blobs, erasing, httpFallback, ed25519Fallback] as const;
