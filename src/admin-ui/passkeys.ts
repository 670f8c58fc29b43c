// Passkeys in the browser: its own functions speak JSON both ways.
import { post } from './api.js';
import type { SessionState } from './model.js';

/** Whether this browser can. */
export function canUsePasskeys(): boolean {
  return typeof PublicKeyCredential === 'function' && 'parseCreationOptionsFromJSON' in PublicKeyCredential;
}

/** Makes a passkey for the operator who is signed in. */
export async function makePasskey(label: string): Promise<void> {
  const options = PublicKeyCredential.parseCreationOptionsFromJSON(await post<PublicKeyCredentialCreationOptionsJSON>('passkeys/options'));
  const made = await navigator.credentials.create({ publicKey: options });
  if (!(made instanceof PublicKeyCredential)) throw new Error('The authenticator made nothing.');
  await post('passkeys', { answer: made.toJSON(), label });
}

/** Signs in with a passkey. */
export async function usePasskey(): Promise<SessionState> {
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(await post<PublicKeyCredentialRequestOptionsJSON>('sign-in/passkey/options'));
  const got = await navigator.credentials.get({ publicKey: options });
  if (!(got instanceof PublicKeyCredential)) throw new Error('The authenticator answered nothing.');
  return await post<SessionState>('sign-in/passkey', { answer: got.toJSON() });
}

/** What a person can do about it. */
export function explain(error: unknown): string {
  if (error instanceof DOMException && error.name === 'NotAllowedError') return 'It was cancelled, or took too long.';
  if (error instanceof DOMException && error.name === 'InvalidStateError') return 'This device has a passkey here already.';
  return error instanceof Error ? error.message : String(error);
}
