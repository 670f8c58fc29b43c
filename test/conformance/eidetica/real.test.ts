// The crate of Eidetica: our vectors, and two of its instances that know each other by a relay alone.
import { resolve } from 'node:path';
import { runReal } from '../real.js';

runReal('eidetica', {
  vectors: ['vectors', resolve('test/vectors/eidetica.json')],
  relay: (url) => ['sync', url.host],
});
