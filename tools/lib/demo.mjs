// The demo page. With React 18, which is 19 KB smaller than 19, compressed, and all the same to sealrelay/react.
import { buildPage } from './page.mjs';

/**
 * Writes the files of the demo into a folder.
 * @param {string} outdir
 */
export function buildDemo(outdir) {
  buildPage({ source: 'demo', entries: { 'main.tsx': 'app', 'styles/app.css': 'app' }, copied: ['index.html', 'icon.svg'], outdir, alias: { react: 'react-18', 'react-dom': 'react-dom-18' } });
}
