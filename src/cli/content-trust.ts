import { unsupported } from '../base/errors.ts';
import type { Flag } from './command.ts';
import type { ParsedFlags } from './flags.ts';

/** Docker's switch for signing, which is always off here. */
export const contentTrustFlag: Flag = {
  long: 'disable-content-trust',
  kind: 'bool',
  default: 'true',
  description: 'Do without signatures; there are none to do with',
};

/** @throws unsupported when signatures are asked for. */
export function refuseContentTrust(flags: ParsedFlags): void {
  if (flags.bool('disable-content-trust')) return;
  throw unsupported('Docker Content Trust is not supported: leave --disable-content-trust as it is');
}
