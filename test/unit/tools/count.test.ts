import { describe, expect, it } from 'vitest';
import { add, countCargoTest, countNextest, countVitest, exitCodeOf, totalLine } from '../../../tools/lib/count.mjs';
import { isAtLeast, requireNode, requireRust } from '../../../tools/lib/toolchain.mjs';

describe('the counter behind the last line of `npm test`', () => {
  it('sums the results of cargo test', () => {
    const output = [
      'test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s',
      'test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s',
    ].join('\n');
    expect(countCargoTest(output, 0)).toEqual({ passed: 7, failed: 0, skipped: 1 });
  });

  it('counts a failing cargo test once, whatever the exit code says on top', () => {
    const output = 'test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out';
    expect(countCargoTest(output, 101)).toEqual({ passed: 5, failed: 2, skipped: 0 });
  });

  it.each([
    ['a compile error', '', 101],
    ['a crash after some results', 'test result: ok. 5 passed; 0 failed; 0 ignored;', 139],
    ['a signal', 'test result: ok. 5 passed; 0 failed; 0 ignored;', null],
    ['silence', '', 0],
  ])('counts %s as a failure', (_what, output, exitCode) => {
    expect(countCargoTest(output, exitCode).failed).toBe(1);
  });

  it('reads the summary of nextest', () => {
    const good = '     Summary [   1.2s] 12 tests run: 12 passed (1 slow), 3 skipped';
    expect(countNextest(good, 0)).toEqual({ passed: 12, failed: 0, skipped: 3 });
    const bad = '     Summary [   1.2s] 12 tests run: 9 passed, 2 failed, 1 timed out, 0 skipped';
    expect(countNextest(bad, 100)).toEqual({ passed: 9, failed: 3, skipped: 0 });
    expect(countNextest('error: could not compile', 101).failed).toBe(1);
  });

  it('reads the report of vitest', () => {
    const report = { testResults: [{ status: 'failed', assertionResults: ['passed', 'failed', 'pending', 'todo'].map((status) => ({ status })) }] };
    expect(countVitest(JSON.stringify(report), 1)).toEqual({ passed: 1, failed: 1, skipped: 2 });
  });

  it.each([
    ['a file that cannot be imported', JSON.stringify({ testResults: [{ status: 'failed', assertionResults: [] }] }), 1],
    ['an unhandled rejection', JSON.stringify({ testResults: [{ status: 'passed', assertionResults: [{ status: 'passed' }] }] }), 1],
    ['no report', null, 0],
    ['a broken report', '{', 0],
    ['a run without tests', JSON.stringify({ testResults: [] }), 0],
  ])('counts %s as one failure', (_what, json, exitCode) => {
    expect(countVitest(json, exitCode).failed).toBe(1);
  });

  it('writes the line and fails when something failed or nothing passed', () => {
    const total = add({ passed: 1, failed: 0, skipped: 2 }, { passed: 3, failed: 1, skipped: 0 });
    expect(totalLine(total)).toBe('4 passed, 1 failed, 2 skipped');
    expect(exitCodeOf(total)).toBe(1);
    expect(exitCodeOf({ passed: 0, failed: 0, skipped: 9 })).toBe(1);
    expect(exitCodeOf({ passed: 1, failed: 0, skipped: 9 })).toBe(0);
  });
});

describe('the toolchain check', () => {
  it('compares versions by number', () => {
    expect(isAtLeast('1.100.0', '1.91.0')).toBe(true);
    expect(isAtLeast('1.91.0-nightly', '1.91.0')).toBe(true);
    expect(isAtLeast('1.90.9', '1.91.0')).toBe(false);
  });

  it('says what is missing or too old, and what to do', () => {
    expect(() => requireNode('18.19.0')).toThrow(/Node\.js 18\.19\.0 is too old.*20\.19\.0/);
    expect(() => requireRust(() => null)).toThrow(/not on PATH.*Install Rust/);
    expect(() => requireRust(() => '1.70.0')).toThrow(/rustc 1\.70\.0 is too old.*rustup update/);
    expect(() => requireRust(() => '1.91.0')).not.toThrow();
  });
});
