// The table of the torture run. A harness is a program that tries to break a promise for a given number of seconds, and that
// carries a control: a relay made wrong on purpose, which the same harness must catch. A control that gets away voids the run.
//
// Its last line on stdout is its report, as JSON:
//   {"counts": {name: number}, "violations": [{"what": string, "replay": string}], "control": {"caught": boolean, "what": string}}
// or {"skipped": reason}. Whatever it prints before is shown.
import { join } from 'node:path';
import { ROOT } from '../lib/project.mjs';
import { missing as fuzzingMissing } from './fuzz.mjs';

/**
 * @typedef {object} Harness
 * @property {string} name
 * @property {string} proves one sentence, shown on the page
 * @property {string} control what is made wrong on purpose, and must be caught
 * @property {number} share of the run's time, relative to the others
 * @property {Readonly<Record<string, number>>} goals cumulative targets, by the name of the count
 * @property {string} [program] a TypeScript program, bundled and run by Node; or
 * @property {readonly string[]} [torture] arguments of the program of `test/torture` (Rust); or
 * @property {readonly string[]} [command] anything else. `--seconds N --seed S` is appended to each of them.
 * @property {boolean} [addon] whether the built product is needed
 * @property {boolean} [sideBySide] whether it may run beside others (`--jobs`): it judges no times
 * @property {() => string | null} [missing] why it cannot run here, before anything is built
 */

/** The program of `test/torture`, as cargo builds it. */
export const TORTURE_PROGRAM = join(ROOT, 'target', 'torture', process.platform === 'win32' ? 'torture.exe' : 'torture');

/** @type {readonly Harness[]} */
export const HARNESSES = [
  {
    name: 'kill-product',
    proves: 'SIGKILL of the whole product under at least 1,000 receipted pushes a second: nothing receipted is lost, doubled or out of place',
    control: 'a build that sends the receipt before the write',
    share: 3,
    goals: { cycles: 2000 },
    program: 'test/chaos/kill-product-main.ts',
    addon: true,
    sideBySide: true,
  },
  {
    name: 'power-cut',
    proves:
      'The disk as a power cut under at least 1,000 receipted pushes a second leaves it (a reflink clone of what lies under ext4, XFS or Btrfs), its journal replayed: a relay started on it holds everything receipted before',
    control: 'a relay whose syncs do nothing, caught by nearly every cut',
    share: 3,
    goals: { cuts: 1000, cutsOfStarts: 200 },
    program: 'test/powercut/power-cut-main.ts',
    addon: true,
    sideBySide: true,
  },
  {
    name: 'store-kill',
    proves:
      'SIGKILL of the store alone at any moment of its work (pushing, forgetting, compacting, writing checkpoints) and of its start: what it said is there, once, in order, under a signed head',
    control: 'a store that answers before it writes',
    share: 2,
    goals: { cycles: 20_000 },
    torture: ['store-kill'],
    sideBySide: true,
  },
  {
    name: 'upgrade-kill',
    proves: 'SIGKILL, again and again, of the first start of this program on the data directory of every older format: the start that comes to its end shows everything',
    control: 'an upgrade on whose way a segment was lost',
    share: 1,
    goals: { upgrades: 500, kills: 1000 },
    torture: ['upgrade-kill'],
    sideBySide: true,
  },
  {
    name: 'disconnects',
    proves: 'Connections of four devices cut at random moments while all push: every device reads every item once, all in one order, and no relay is accused',
    control: 'a WebSocket on which one message of twenty never comes',
    share: 1,
    goals: { disconnects: 10_000 },
    program: 'test/chaos/disconnects-main.ts',
    addon: true,
    sideBySide: true,
  },
  {
    name: 'region-failover',
    proves:
      'The region two devices use killed, frozen or made slow, or all regions killed, again and again: both are online at the next one within 5 s (p99), return, and after the region is killed for good hold with a new device every receipted text, once',
    control: 'devices that take the log of another region for a copy of theirs',
    share: 1,
    goals: { kills: 50, freezes: 50, slows: 50, blackouts: 50 },
    program: 'test/chaos/region-failover-main.ts',
    addon: true,
  },
  {
    name: 'split-views',
    proves:
      'Four devices, a relay that shows two groups of them two logs and withholds every ack: the first entry that crosses is noticed, by the heads that devices seal into what they write; with an honest relay that crashes, drains and is left nobody is accused',
    control: 'devices that seal no heads',
    share: 1,
    goals: { forks: 10_000, honestRuns: 100_000 },
    program: 'test/chaos/split-views-main.ts',
    sideBySide: true,
  },
  {
    name: 'slow-clients',
    proves: 'With 4,000 slow heads, bodies, messages and silent WebSockets, good clients keep their p99 within 2 ×, newcomers get in, and every slow one is cut at its limit',
    control: 'a server without time-outs',
    share: 1,
    goals: { cut: 10_000 },
    program: 'test/chaos/slow-clients-main.ts',
    addon: true,
  },
  {
    name: 'load-plan',
    proves: '1,000 connections push 10,000 entries a minute, 1 KiB to 10 MB, more than 10 MB/s: p99 below 100 ms, no push waits a second, memory stays flat',
    control: 'a relay that is stopped for a while',
    share: 2,
    goals: { minutes: 60 },
    program: 'test/chaos/load-plan-main.ts',
    addon: true,
  },
  {
    name: 'intruders',
    proves: 'Replayed handshakes, attempts of members of other spaces and words that nobody may give never get in, are all told the same bytes, and change nothing',
    control: 'a relay that checks nothing',
    share: 1,
    goals: { replays: 100_000, crossings: 100_000 },
    program: 'test/chaos/intruders-main.ts',
    addon: true,
    sideBySide: true,
  },
  {
    name: 'tls-audit',
    proves: 'testssl.sh finds nothing of LOW or above in the TLS of the relay, aside from revocation, which an authority of a test has not',
    control: 'a server that still speaks TLS 1.0',
    share: 1,
    goals: { audits: 1 },
    program: 'test/chaos/testssl-main.ts',
    addon: true,
  },
  {
    name: 'erase-scan',
    proves: 'Known ciphertext of an erased space (entries, snapshots, blobs) is in no file of the data directory within 60 s, and another space is whole',
    control: 'the same search before the erasure',
    share: 1,
    goals: { erasures: 100 },
    program: 'test/chaos/erase-scan-main.ts',
    addon: true,
  },
  {
    name: 'fuzz',
    proves: 'No input makes a parser of the wire, of statements, of segments or of WebSocket frames crash, leak, hang or grow',
    control: 'a parser with a planted fault',
    share: 2,
    goals: { executions: 1_000_000_000 },
    command: ['node', 'tools/torture/fuzz.mjs'],
    missing: fuzzingMissing,
    sideBySide: true,
  },
  {
    name: 'faults',
    proves: 'Full, failing and slow disks, no file descriptors, a jumping clock, a stopped process, little memory: refused by name or waited for, nothing receipted lost, and it goes on',
    control: 'a disk slower than claimed; a server that keeps no descriptor back; a process that takes all the memory it is offered',
    share: 2,
    goals: { rounds: 350 },
    program: 'test/faults/faults-main.ts',
    addon: true,
  },
  {
    name: 'crash-states',
    proves:
      'Power cuts and kills at every moment of a simulated disk that loses, tears and reorders what was not synced, and fails at any call: the store comes back with everything it promised',
    control: 'a disk that ignores syncs, and a store that answers before it writes',
    share: 6,
    goals: { states: 1_000_000 },
    torture: ['crash-states'],
    sideBySide: true,
  },
  {
    name: 'simulation',
    proves:
      'Relay and devices in one simulated world: lost, stalled and torn connections, kills, power cuts, full and failing disks, jumping clocks, restored backups, slow readers, changing rosters and forgotten history. Nothing receipted is lost or doubled, everybody sees one order, nobody is accused, and when the troubles are over all devices have the same log',
    control:
      'a store that answers before it writes, one that stores again what it holds, a relay that shows an entry twice, a backup put back without a log reset, and a real random number that leaks into a seed',
    share: 4,
    goals: { seeds: 100_000 },
    torture: ['simulation'],
  },
  {
    name: 'sync-sites',
    proves: 'Every place in the store that asks for a sync is needed: turned off one at a time, each is noticed by the crash states, but for two that other checks make spare',
    control: 'the turned-off syncs themselves',
    share: 4,
    goals: { sitesCaught: 24 },
    torture: ['sync-sites'],
    sideBySide: true,
  },
  {
    name: 'corruption',
    proves:
      'A flipped bit, a cut file or a zeroed block in any file of the data directory: never served, never a silent loss, and what is said names the file',
    control: 'a store that serves one other byte without noticing',
    share: 2,
    goals: { damages: 100_000 },
    torture: ['corruption'],
    sideBySide: true,
  },
];
