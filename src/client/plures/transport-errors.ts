// Errors of the transports, by name.
import { ClientError } from '../client-error.js';

export const closed = (): ClientError => new ClientError('closed', 'the connection is closed');
export const timedOut = (transport: string, ms: number): ClientError => new ClientError('request_timeout', `${transport}: no peer within ${ms} ms`, { temporary: true });
export const relayLost = (): ClientError => new ClientError('relay_unreachable', 'the relay could not be reached, or went away', { temporary: true });
export const relayError = (said: string): ClientError => new ClientError('relay_refused', `the relay said: ${said}`);
export const receiveQueueFull = (bytes: number): ClientError =>
  new ClientError('receive_queue_full', `more than ${bytes} bytes were received and not read`, { temporary: true, hint: 'Read what receive() gives while the connection is open.' });
export const tooManyReceivers = (): ClientError => new ClientError('receive_queue_full', 'too many calls of receive() wait');
export const sendQueueFull = (): ClientError => new ClientError('send_queue_full', 'too many calls of send() wait', { temporary: true, hint: 'Wait for send() before the next one.' });
export const sendStalled = (): ClientError => new ClientError('send_stalled', 'the network takes nothing', { temporary: true });
export const messageTooLarge = (bytes: number, max: number): ClientError => new ClientError('item_too_large', `a message has ${bytes} bytes; ${max} are the most`);
export const noDirectWay = (): ClientError => new ClientError('direct_unavailable', 'there is no network for direct ways here', { hint: 'Install the package hyperswarm, and import sealrelay/pluresdb on Node.' });
export const peerGone = (): ClientError => new ClientError('peer_gone', 'the other side did not come back by the relay', { temporary: true });
export const badOption = (what: string): ClientError => new ClientError('bad_option', what);
export const allFailed = (errors: readonly Error[]): ClientError =>
  new ClientError('all_transports_failed', `no way led to a peer: ${errors.map(({ message }) => message).join('; ')}`, { temporary: true, cause: new AggregateError(errors) });
