import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../../src/server/html/markdown.js';

const render = (text: string): string => renderMarkdown(text).text;

describe('notes in Markdown', () => {
  it.each([
    ['one\ntwo\n\nthree', '<p>one two</p>\n<p>three</p>'],
    ['# A\n- **b**\n- `*c*`\nd', '<h4>A</h4>\n<ul><li><strong>b</strong></li><li><code>*c*</code></li></ul>\n<p>d</p>'],
    ['2*3*4 and *so*.', '<p>2*3*4 and <em>so</em>.</p>'],
    ['[a](https://x.example/?a=1&b=2)', '<p><a href="https://x.example/?a=1&amp;b=2" rel="noopener nofollow">a</a></p>'],
    ['[a](javascript:alert(1))', '<p>[a](javascript:alert(1))</p>'],
    ['[a](https://x"onclick="y)', '<p><a href="https://x&quot;onclick=&quot;y" rel="noopener nofollow">a</a></p>'],
    ['<b>&', '<p>&lt;b&gt;&amp;</p>'],
  ])('%j', (text, expected) => {
    expect(render(text)).toBe(expected);
  });

  it('never become other HTML than this', () => {
    const piece = fc.constantFrom('<script>', '**', '*', '`', '[', ']', '(', ')', 'https://a', 'javascript:', '"', "'", '&', '# ', '- ', '\n', ' ', 'x', 'onerror=');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const rest = render(pieces.join('')).replaceAll(/<\/?(?:p|ul|li|h[4-6]|strong|em|code)>|<a href="(?:https?:\/\/|mailto:)[^"<>]*" rel="noopener nofollow">|<\/a>/g, '');
        expect(rest).not.toMatch(/[<>"]/);
      }),
      { numRuns: 2000 },
    );
  });

  it('are cut when they are endless', () => {
    expect(render('x\n\n'.repeat(10_000)).length).toBeLessThan(10_000);
  });
});
