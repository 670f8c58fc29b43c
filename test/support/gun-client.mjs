// One stock GUN client as a process of its own, told by lines of JSON what to do: `<package> <url>`.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const require = createRequire(import.meta.url);
const [name, url] = process.argv.slice(2);
// It logs to the console; the answers are the only lines on the standard output.
console.log = () => undefined;
const Gun = require(`${name}/gun.js`);
// That of older versions needs packages that no longer build.
if (name !== 'gun-0.9') require(`${name}/sea.js`);
const gun = Gun({ peers: [url], WebSocket, localStorage: false, radisk: false, axe: false, multicast: false });
/** @typedef {{ do: keyof typeof COMMANDS, id: number, path: string[], value: unknown, alias: string, password: string }} Command */
/** @typedef {{ err?: string, pub?: string }} Ack */

/** @param {object} answer */
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
/** @param {string[]} path */
const at = (path, root = gun) => path.reduce((chain, key) => chain.get(key), root);

/** @param {Record<string, unknown> | null} value */
const plain = (value) => {
  if (value === null || typeof value !== 'object') return value ?? null;
  const { _: _meta, ...rest } = value;
  return rest;
};

/** @param {{ id: number }} to */
const acked = ({ id }) => (/** @type {Ack} */ ack) => say({ id, err: ack.err ?? null, pub: ack.pub ?? null });
/** @param {{ id: number }} to */
const told = ({ id }) => (/** @type {Record<string, unknown> | null} */ value) => say({ id, value: plain(value) });

/** @type {Record<string, (command: Command) => unknown>} */
const COMMANDS = {
  put: ({ path, value, ...to }) => at(path).put(value, acked(to)),
  once: ({ path, ...to }) => at(path).once(told(to)),
  on: ({ path, ...to }) => at(path).on(told(to)),
  add: ({ path, value, ...to }) => at(path).set(value, acked(to)),
  map: ({ path, ...to }) => at(path).map().on(told(to)),
  create: ({ alias, password, ...to }) => gun.user().create(alias, password, acked(to)),
  auth: ({ alias, password, ...to }) => gun.user().auth(alias, password, acked(to)),
  own: ({ path, value, ...to }) => at(path, gun.user()).put(value, acked(to)),
};

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line);
    COMMANDS[command.do]?.(command);
  })
  .on('close', () => process.exit(0));
say({ id: 0 });
