// The stock GUN relay, told to acknowledge what is on disk: `<folder>`. It answers once a file is written and renamed; here the file is
// synced before its rename and the folder after it, and everything else is as it comes.
import fs from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const [folder = '.'] = process.argv.slice(2);
const say = console.log.bind(console);
console.log = () => undefined;

/** @typedef {(error: Error | null) => void} Done */

/**
 * @param {string} path
 * @param {Done} done
 */
function sync(path, done) {
  fs.open(path, 'r', (error, file) => {
    if (error !== null) return done(error);
    fs.fsync(file, (failure) => fs.close(file, (closing) => done(failure ?? closing ?? null)));
  });
}

const rename = fs.rename.bind(fs);
/** @type {(from: string, to: string, done: Done) => void} */
const durableRename = (from, to, done) =>
  sync(from, (unsynced) => {
    if (unsynced !== null) return done(unsynced);
    rename(from, to, (error) => (error === null ? sync(dirname(to), done) : done(error)));
  });
// The relay's store calls it by this name.
Object.assign(fs, { rename: durableRename });

// A stock program has no types.
const LIBRARY = 'gun';
const Gun = require(`${LIBRARY}/lib/server.js`);
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  Gun({ web: server, file: join(folder, 'radata'), multicast: false, stats: false });
  const address = server.address();
  say(JSON.stringify({ port: typeof address === 'object' && address !== null ? address.port : 0 }));
});
