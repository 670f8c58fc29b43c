// The demo page.
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { Scene } from './scene.js';

const scene = new Scene();
const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<App scene={scene} />);
void scene.open();
