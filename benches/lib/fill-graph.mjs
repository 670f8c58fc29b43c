// Fills a graph of GUN with nodes, a window of puts at a time; each counts once it is acknowledged.
import { once } from 'node:events';
import { WebSocket } from 'ws';

const WINDOW = 2000;
const VALUE = 'x'.repeat(100);
const STATE = 1_700_000_000_000;

/**
 * @param {string} url of the relay, without its path
 * @param {number} nodes
 */
export async function fillGraph(url, nodes) {
  const socket = new WebSocket(`${url}/gun`, { perMessageDeflate: false });
  await once(socket, 'open');
  let [sent, stored] = [0, 0];
  await new Promise((resolve, reject) => {
    const refill = () => {
      for (; sent < nodes && sent - stored < WINDOW; sent += 1) socket.send(put(sent));
    };
    socket.on('message', (data) => {
      const text = String(data);
      if (text.includes('"err":')) reject(new Error(`a put was refused: ${text.slice(0, 200)}`));
      stored += text.split('"ok":').length - 1;
      if (stored >= nodes) resolve(undefined);
      else refill();
    });
    socket.once('close', () => reject(new Error(`the relay ended the connection after ${stored} nodes`)));
    refill();
  });
  socket.terminate();
}

/** @param {number} number */
function put(number) {
  const [id, soul] = [`m${String(number).padStart(8, '0')}`, `memory/${number}`];
  return JSON.stringify({ '#': id, put: { [soul]: { _: { '#': soul, '>': { value: STATE } }, value: VALUE } }, ok: { '@': 9, '/': 1 } });
}
