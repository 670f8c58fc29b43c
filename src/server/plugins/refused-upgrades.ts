// Ends the socket of an upgrade that was answered with an ordinary response: Node has let go of it by then, so without
// this it would stay open until the peer is gone, and a closing app would wait for it.
import type { App } from '../fastify.js';

export function installRefusedUpgrades(app: App): void {
  app.addHook('onResponse', async (request) => {
    if (request.headers.upgrade !== undefined) request.raw.socket.destroySoon();
  });
}
