// Which addresses count as one caller: an IPv4 address, or the first half of an IPv6 one, of which a network gives as many as one likes.
const GROUPS = 8;

/** The name of a caller at this address, without a port. */
export function callerAt(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [before = '', after] = address.toLowerCase().split('::');
  const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [head, tail] = [groupsOf(before), groupsOf(after ?? '')];
  const between = after === undefined ? 0 : Math.max(0, GROUPS - head.length - tail.length);
  return [...head, ...Array<string>(between).fill('0'), ...tail].slice(0, GROUPS / 2).join(':');
}

/** The same of an address with a port behind it. */
export function callerAtSocket(address: string): string {
  return callerAt(address.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
}
