import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPTIONS_ONLY, readFlags } from '../../../src/config/flags.js';
import { inspectConfig, orThrow, type Inspected } from '../../../src/config/load.js';

describe('the configuration file', () => {
  let dir: string;
  beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'sealrelay-config-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const write = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const inspect = (args: string[] = [], env: Record<string, string> = {}, config?: string): Promise<Inspected> => {
    const { found } = readFlags(args, OPTIONS_ONLY);
    return inspectConfig({ found, switches: new Map(config === undefined ? [] : [['config', config]]) }, env, [dir]);
  };
  /** Findings of a file with this text, each as `line:column message | hint`. */
  const wrong = async (name: string, text: string): Promise<string[]> => {
    const path = write(name, text);
    const { findings } = await inspect();
    rmSync(path);
    return findings.map(({ message, hint }) => `${message.replace(`${path}:`, '')} | ${hint}`);
  };

  it.each([
    ['sealrelay.yaml', 'port: 9001\nlog: { level: debug }\nlimits:\n  entry-size-max: 2MiB\nadmin.port: off\n'],
    ['sealrelay.yml', 'port: 9001\nlog.level: debug\nlimits.entry_size_max: "2MiB"\nadmin: {port: false}\n'],
    ['sealrelay.toml', 'port = 9_001\nadmin.port = "off"\n\n[log]\nlevel = "debug"\n[limits]\nentry-size-max = "2MiB"\n'],
    ['sealrelay.json', '{"$schema": "x", "port": 9001, "log": {"level": "debug"}, "limits": {"entry-size-max": "2MiB"}, "admin": {"port": "off"}}'],
  ])('is found and read as %s', async (name, text) => {
    write(name, text);
    const { config, findings, file } = await inspect();
    expect(findings).toEqual([]);
    expect(file).toBe(join(dir, name));
    expect(config).toMatchObject({ port: 9001, 'log.level': 'debug', 'limits.entry-size-max': 2 * 1024 * 1024, 'admin.port': null });
  });

  it('stands below flags and environment and above defaults, and knows its lines', async () => {
    const path = write('sealrelay.yaml', '# mine\nport: 1\nheartbeat: 5s\nretention: 2d\nworkers: 3\n');
    const { config, origin } = orThrow(await inspect(['--port', '4'], { RELAY_HEARTBEAT: '6s', WORKERS: '9' }));
    expect(config).toMatchObject({ port: 4, heartbeat: 6000, retention: 2 * 86_400_000, workers: 3 });
    expect(origin).toMatchObject({ port: 'flag --port', heartbeat: 'environment variable RELAY_HEARTBEAT', retention: `${path}:4`, host: 'default' });
  });

  it('is named by --config before RELAY_CONFIG before the look-up, and `off` is none', async () => {
    write('sealrelay.yaml', 'port: 1');
    const two = write('two.toml', 'port = 2');
    const three = write('three.json', '{"port": 3}');
    expect((await inspect()).config?.port).toBe(1);
    expect((await inspect([], { RELAY_CONFIG: two })).config?.port).toBe(2);
    expect((await inspect([], { RELAY_CONFIG: two }, three)).config?.port).toBe(3);
    expect(await inspect([], {}, 'off')).toMatchObject({ file: null, config: { port: 8080 } });
    expect(await inspect([], { RELAY_CONFIG: 'off' })).toMatchObject({ file: null, config: { port: 8080 } });
    expect((await inspect([], { RELAY_CONFIG: '' })).config?.port).toBe(1);
  });

  it('says line, column, what is wrong and the fix, for all that is wrong', async () => {
    expect(await wrong('sealrelay.yaml', 'prot: 1\nlimits:\n  entry-size-max: 1TB\nheartbeat:\nadmin: 3\nlog:\n  levle: info\n')).toEqual([
      '1:1: unknown option prot | Did you mean port?',
      '5:1: admin is a group of options, not one | Below it there may be host, port, token.',
      '7:3: unknown option log.levle | Did you mean log.level?',
      expect.stringMatching(/^3:19: "1TB" is not valid for limits\.entry-size-max \| Give a size such as .*, for example 10MiB\.$/),
      expect.stringMatching(/^4:1\d?: "" is not valid for heartbeat/),
    ]);
    expect(await wrong('sealrelay.toml', 'port = 1\n[limits]\nworkers = 2\nentry-size-max = "1TB"\n')).toEqual([
      '3:1: unknown option limits.workers | Did you mean workers?',
      expect.stringMatching(/^4:18: "1TB" is not valid/),
    ]);
    expect(await wrong('sealrelay.json', '{\n  "port": 99999\n}')).toEqual([expect.stringMatching(/^2:11: "99999" is not valid for port/)]);
  });

  it.each([
    ['sealrelay.yaml', 'log:\n\tlevel: info\n', /^2:1: .*\| Indent with spaces/],
    ['sealrelay.yaml', 'port: 1\nport: 2\n', /^2:1: Map keys must be unique \| Leave one of them out/],
    ['sealrelay.yaml', 'port: 1\nlog: {level: info\n', /^3:1: .*end with a \}/],
    ['sealrelay.yaml', '- port\n', /^1:1: the file holds no keys/],
    ['sealrelay.yaml', 'port: 1\n---\nport: 2\n', /one document per file/],
    ['sealrelay.toml', 'port = \n', /^\d:\d: Unspecified values/],
    ['sealrelay.toml', 'port = 1\nport = 2\n', /^2:1: .*multiple times/],
    ['sealrelay.json', '{\n  "port": 1,\n}', /^3:1: this is not JSON/],
    ['sealrelay.json', '{\n  port: 1\n}', /^2:3: this is not JSON \| Quote keys/],
  ])('names the place of a broken %s: %j', async (name, text, expected) => {
    const findings = await wrong(name, text);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatch(expected);
  });

  it('refuses what is given twice, under both spellings', async () => {
    expect(await wrong('sealrelay.yaml', 'admin.port: 1\nadmin:\n  port: 2\n')).toEqual(['3:9: admin.port is given twice | Leave one of them out.']);
  });

  it('refuses a file that is missing, unknown, too large, or one of two', async () => {
    const messages = async (config?: string): Promise<string[]> => (await inspect([], {}, config)).findings.map(({ message }) => message);
    expect(await messages(join(dir, 'none.yaml'))).toEqual([expect.stringContaining('there is no such file')]);
    expect(await messages(dir)).toEqual([`${dir} is no file`]);
    expect(await messages(write('x.ini', ''))).toEqual([expect.stringContaining('its format is not known')]);
    expect(await messages(write('big.yaml', '#'.repeat(70 * 1024)))).toEqual([expect.stringContaining('is larger than 65536 bytes')]);
    write('sealrelay.yaml', '');
    write('sealrelay.toml', '');
    expect(await messages()).toEqual([expect.stringMatching(/sealrelay\.yaml and .*sealrelay\.toml both exist/)]);
  });

  it.each(['yaml', 'toml', 'json'])('takes tabs, Windows line ends and a byte order mark in %s', async (format) => {
    const texts = { yaml: 'port: 1\nlog:\n  level: warn\n', toml: 'port = 1\n[log]\n\tlevel = "warn"\n', json: '{\n\t"port": 1,\n\t"log": {\n\t\t"level": "warn"\n\t}\n}\n' };
    const text = texts[format as keyof typeof texts];
    for (const form of [text, text.replaceAll('\n', '\r\n'), `\uFEFF${text}`]) {
      expect(await inspect([], {}, write(`x.${format}`, form))).toMatchObject({ findings: [], config: { port: 1, 'log.level': 'warn' } });
    }
  });

  it('ends at nesting without end and at aliases, which may hold themselves', async () => {
    expect(await wrong('sealrelay.yaml', 'log: &x { level: *x }')).toEqual(['1:18: aliases are not taken | Write the value out.']);
    expect(await wrong('sealrelay.yaml', 'port: 1\nregions: &x [ *x ]')).toEqual(['2:15: aliases are not taken | Write the value out.']);
    const deep = '['.repeat(20_000);
    for (const [name, text] of [['yaml', `regions: ${deep}`], ['toml', `regions = ${deep}`], ['json', `{"regions": ${deep}`], ['yaml', `regions:\n${'- '.repeat(20_000)}`]]) {
      expect(await wrong(`sealrelay.${name}`, text ?? '')).toEqual([expect.stringMatching(/^\d:\d+: nested more than 32 deep/)]);
    }
  });

  it('has something to say about any file, and never fails at it', async () => {
    const pieces = fc.constantFrom('port', 'log', 'level', 'regions', ': ', ' = ', '\n', '\n  ', '- ', '[', ']', '{', '}', '"', "'", '#', '&a ', '*a', '<<', '!x ', '| ', '> ', '? ', '---\n', '1', '1979-05-27', 'inf', '0x1', 'true', 'null', ',', '.', '\t', '\\u12', '\u{1F600}', '[[', ']]');
    const text = fc.oneof(fc.string(), fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('yaml', 'toml', 'json'), text, async (format, content) => {
        const { config, findings } = await inspect([], {}, write(`x.${format}`, content));
        expect(config === null).toBe(findings.some(({ severity }) => severity === 'error'));
        for (const { place } of findings) expect(place === null || (place.line >= 1 && place.column >= 1)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('takes an empty file as no options', async () => {
    write('sealrelay.yaml', '# nothing yet\n');
    expect(await inspect()).toMatchObject({ findings: [], config: { port: 8080 } });
  });

  it('reads regions in every format, and says which one is wrong', async () => {
    const eu = { id: 'eu', name: 'EU', location: 'Ireland', endpoint: 'https://eu.example' };
    const lists = {
      'a.yaml': 'regions:\n  - { id: eu, name: EU, location: Ireland, endpoint: "https://eu.example" }\n  - {id: us, name: US, location: Iowa}\n',
      'a.toml': '[[regions]]\nid = "eu"\nname = "EU"\nlocation = "Ireland"\nendpoint = "https://eu.example"\n[[regions]]\nid = "us"\nname = "US"\nlocation = "Iowa"\n',
      'a.json': JSON.stringify({ regions: [eu, { id: 'us', name: 'US', location: 'Iowa' }] }),
    };
    for (const [name, text] of Object.entries(lists)) {
      const { config, findings } = await inspect([], {}, write(name, text));
      expect(findings).toEqual([]);
      expect(config?.regions).toEqual([eu, { id: 'us', name: 'US', location: 'Iowa', endpoint: '' }]);
    }
    expect((await inspect([], { RELAY_REGIONS: JSON.stringify([eu]) })).config?.regions).toEqual([eu]);
    expect(await wrong('sealrelay.yaml', 'regions:\n  - {id: eu, name: EU, location: X}\n  - {id: eu, name: US, location: Y}\n')).toEqual([
      '2:3: the given value is not valid for regions | Give region 2 an id of its own instead of "eu" again.',
    ]);
    expect(await wrong('sealrelay.yaml', 'regions: 4\n')).toEqual([expect.stringContaining('a list of regions such as')]);
  });
});
