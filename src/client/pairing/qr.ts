// Any text as a QR code: a path for an SVG, and the whole SVG for pages without a framework.
import { encode } from 'uqr';

/** Empty modules around it, which cameras need. */
const BORDER = 3;

/** A square of `size` units, and the path of its dark modules. */
export interface QrDrawing {
  readonly size: number;
  readonly path: string;
}

/** The text as a QR code: its size in modules, and the path of the dark ones. */
export function drawQr(text: string): QrDrawing {
  const { data, size } = encode(text, { ecc: 'M', border: BORDER });
  return { size, path: data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : []))).join('') };
}

/** An SVG, dark on light whatever the theme: that is what cameras look for. The label is read to people. */
export function qrSvg(text: string, label: string): string {
  const { size, path } = drawQr(text);
  const name = label.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" role="img" aria-label="${name}" shape-rendering="crispEdges"><rect width="${size}" height="${size}" fill="#fff"/><path d="${path}" fill="#000"/></svg>`;
}
