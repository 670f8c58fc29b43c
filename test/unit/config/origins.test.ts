// The list of origins whose pages may read answers.
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { parseOrigins } from '../../../src/config/origins.js';

describe('cors-origins', () => {
  it('is a list of origins as browsers write them, or all of them', () => {
    expect(parseOrigins('*')).toEqual([]);
    const apps = ['https://app.example', 'http://localhost:5173', 'http://[::1]:8080', 'capacitor://localhost', 'chrome-extension://abcdef'];
    expect(parseOrigins(apps.join(', '))).toEqual(apps);
  });

  it.each(['', 'app.example', 'https://app.example/', 'https://app.example/x', 'https://App.example', 'https://app.example:443', 'https://a.example,*', 'null', 'capacitor://a b', `${'https://a.example,'.repeat(64)}https://b.example`])(
    'refuses %j, which no browser would send, before the start',
    (text) => {
      expect(parseOrigins(text)).toBeNull();
      if (text !== '') expect(() => loadConfig(['--cors-origins', text], {})).toThrow('is not a list of at most 64 origins');
    },
  );
});
