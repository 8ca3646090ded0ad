import { TransportError } from '../transport/errors';
import { PortInUseError } from './errors';

const system = (code: string): Error => Object.assign(new Error(`listen ${code}`), { code });

it.each([
  ['EADDRINUSE', 'stop what uses it, or name another port'],
  ['EADDRNOTAVAIL', 'name an address of this machine'],
  ['ENOTFOUND', 'name an address of this machine'],
  ['EACCES', 'name a port from 1024, or let this process bind lower ones'],
])('a socket that cannot be bound for %s: %s', (code, cure) => {
  const bind = { host: '10.9.9.9', port: 80 };
  const error = new PortInUseError('http', bind, new TransportError('FL_BIND', 'cannot listen', system(code)));
  expect(error.message.endsWith(`: ${cure}`)).toBe(true);
  expect(error.problem.hint).toBe(cure);
  expect(new PortInUseError('http', bind, system(code)).problem.hint).toBe(cure);
});
