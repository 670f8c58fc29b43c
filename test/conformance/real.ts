// The published client of a foreign system, built by `npm run conformance -- <system> --real` and driven through a relay.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { withTarget } from './target.js';

const PROGRAM_MS_MAX = 60_000;

/** Set by `--real`: the program, already built. */
const program = (): string | undefined => process.env['CONFORMANCE_PEER_PROGRAM'];

/** Runs the program with these arguments, once against files and once against a relay; every line is a sentence that holds. */
export function runReal(system: string, sentences: { readonly vectors: readonly string[]; readonly relay: (url: URL) => readonly string[] }): void {
  const real = program();
  describe.skipIf(real === undefined)(`${system}: its published client (skipped without --real, which builds it)`, () => {
    const run = async (args: readonly string[]): Promise<string> => {
      const { stdout } = await promisify(execFile)(real!, args, { timeout: PROGRAM_MS_MAX });
      process.stdout.write(stdout);
      return stdout;
    };

    test('computes our vectors', async () => {
      expect(await run(sentences.vectors)).toMatch(/^ok /m);
    });

    const target = withTarget();
    test('comes together with another one through a relay', { timeout: PROGRAM_MS_MAX }, async () => {
      expect(await run(sentences.relay(target()))).toMatch(/^ok /m);
    });
  });
}
