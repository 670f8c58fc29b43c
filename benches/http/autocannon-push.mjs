// autocannon with a body that differs from request to request: each connection is one device and counts its push_seq, because
// the same push again would be answered as a duplicate, which is not a durable write. Prints autocannon's result as JSON.
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { PUSH_SEQ_AT, pushBody } from './sessions.mjs';

const [url = '', connections = '64', seconds = '3', entryBytes = '1024', tokenFile = ''] = process.argv.slice(2);
const tokens = tokenFile === '' ? [] : readFileSync(tokenFile, 'utf8').trim().split('\n');
let started = 0;

/** The requests of one connection. autocannon forgets a request's context after each one, so the count is kept here. */
function requestsOf(/** @type {string | undefined} */ token) {
  const body = pushBody(Number(entryBytes));
  const headers = { 'content-type': 'application/octet-stream', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  let pushSeq = 0n;
  const setupRequest = (/** @type {Record<string, unknown>} */ request) => {
    pushSeq += 1n;
    body.writeBigUInt64BE(pushSeq, PUSH_SEQ_AT);
    return { ...request, body };
  };
  return [{ method: 'POST', path: new URL(url).pathname, headers, setupRequest }];
}

const result = await autocannon({
  url,
  connections: Number(connections),
  duration: Number(seconds),
  setupClient: (client) => {
    client.setRequests(requestsOf(tokens[started]));
    started += 1;
  },
});
console.log(JSON.stringify({ requests: result.requests, non2xx: result.non2xx, errors: result.errors }));
