/**
 * A browser on this machine may be led to us under a foreign name (DNS rebinding): a node that is bound to loopback answers
 * only requests that were made to loopback.
 */
export function isLocalHostHeader(header: string | undefined): boolean {
  if (header === undefined || header === '') return true;
  const name = header.toLowerCase();
  const host = name.startsWith('[') ? name.slice(1, name.indexOf(']')) : name.replace(/:\d+$/, '');
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
