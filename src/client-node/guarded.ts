// Errors of the file system as the SDK's own.
import { ClientError } from '../client/client-error.js';

/** Names what the file system said. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ClientError) throw cause;
    if (['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '')) {
      throw new ClientError('storage_full', 'the disk of this device is full', { temporary: true, cause, hint: 'Make room; what was not stored is not pushed.' });
    }
    throw new ClientError('storage_failed', 'the storage of this device failed', { cause });
  }
}
