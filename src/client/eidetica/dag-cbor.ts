// DAG-CBOR, as much of it as entries need to be hashed: one way to write a value, keys by length and then by bytes, links as tag 42.
const TEXT = new TextEncoder();

/** A link to another entry, by the bytes of its CID. */
export class Link {
  readonly cid: Uint8Array;

  constructor(cid: Uint8Array) {
    this.cid = cid;
  }
}

/** What can be written. Properties that are undefined are left out. */
export type Node = number | string | boolean | Uint8Array | Link | readonly Node[] | { readonly [key: string]: Node | undefined };

/** The canonical bytes of a value. */
export function encodeDagCbor(node: Node): Uint8Array {
  const out: Uint8Array[] = [];
  write(node, out);
  const bytes = new Uint8Array(out.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of out) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function write(node: Node, out: Uint8Array[]): void {
  if (typeof node === 'number') out.push(head(0, node));
  else if (typeof node === 'boolean') out.push(Uint8Array.of(node ? 0xf5 : 0xf4));
  else if (typeof node === 'string') writeBytes(3, TEXT.encode(node), out);
  else if (node instanceof Uint8Array) writeBytes(2, node, out);
  else if (node instanceof Link) out.push(Uint8Array.of(0xd8, 42), head(2, node.cid.length + 1), Uint8Array.of(0), node.cid);
  else if (isList(node)) {
    out.push(head(4, node.length));
    for (const item of node) write(item, out);
  } else {
    const pairs = Object.entries(node).filter((pair): pair is [string, Node] => pair[1] !== undefined);
    // Keys of entries are ASCII, so that their order as texts is that of their bytes.
    pairs.sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
    out.push(head(5, pairs.length));
    for (const [key, value] of pairs) {
      write(key, out);
      write(value, out);
    }
  }
}

function isList(node: readonly Node[] | { readonly [key: string]: Node | undefined }): node is readonly Node[] {
  return Array.isArray(node);
}

function writeBytes(major: number, bytes: Uint8Array, out: Uint8Array[]): void {
  out.push(head(major, bytes.length), bytes);
}

function head(major: number, value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`no number of an entry: ${value}`);
  const [short, bytes] = value < 24 ? [value, 0] : value < 0x100 ? [24, 1] : value < 0x1_0000 ? [25, 2] : value < 0x1_0000_0000 ? [26, 4] : [27, 8];
  const out = new Uint8Array(1 + bytes);
  out[0] = (major << 5) | short;
  for (let at = bytes, rest = value; at > 0; at -= 1, rest = Math.floor(rest / 256)) out[at] = rest % 256;
  return out;
}
