import { unsupported } from '../../base/errors.ts';
import type { LogDriver } from '../contract.ts';
import { refuseOptions } from './local.ts';

/** Keeps nothing: output goes to those who are attached. */
export function createNoLogs(): LogDriver {
  return {
    name: 'none',
    check: (options) => refuseOptions('none', options),
    reader: () => ({
      read() {
        throw unsupported('configured logging driver does not support reading', { code: 'log-not-readable' });
      },
    }),
    path: () => '',
  };
}
