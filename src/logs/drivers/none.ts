import { unsupported } from '../../base/errors.ts';
import type { LogDriver } from '../contract.ts';
import { refuseOthers } from './local.ts';

const unreadable = () =>
  unsupported('configured logging driver does not support reading', { code: 'log-not-readable' });

/** Keeps nothing: output goes to those who are attached. */
export function createNoLogs(): LogDriver {
  return {
    name: 'none',
    check: (options) => refuseOthers('none', options, []),
    reader() {
      throw unreadable();
    },
    path: () => '',
    attributes: () => ({}),
    prepare: async () => {},
    keep: () => ({ finish: async () => {}, stop() {} }),
    async clear() {
      throw unreadable();
    },
  };
}
