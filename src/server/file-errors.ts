// What the system says of files, by its codes.

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

/** Whether there is no such file or directory. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT');
}
