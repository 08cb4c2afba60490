import { readFileSync, writeFileSync } from 'node:fs';

/** Settings that an engine turns on and that stay on while its networks exist. */
const forwarding = ['/proc/sys/net/ipv4/ip_forward'];

/**
 * Turns on for the time of the tests what every engine would turn on by itself. Returns how to undo it.
 */
export function prepareMachine(): () => void {
  const found = forwarding.map((file) => [file, readFileSync(file, 'utf8')] as const);
  for (const [file] of found) writeFileSync(file, '1');
  return () => {
    for (const [file, value] of found) writeFileSync(file, value);
  };
}
