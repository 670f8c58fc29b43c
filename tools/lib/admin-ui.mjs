// The admin page.
import { buildPage } from './page.mjs';

/**
 * Writes the files of the admin page into a folder.
 * @param {string} outdir
 */
export function buildAdminUi(outdir) {
  buildPage({ source: 'admin-ui', entries: { 'main.ts': 'app', 'docs.ts': 'docs', 'styles/app.css': 'app' }, copied: ['index.html', 'docs.html', 'icon.svg'], outdir });
}
