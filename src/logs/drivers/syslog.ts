import { messageOf, TugError } from '../../base/errors.ts';
import { attributeOptions, checkAttributes, tagOf } from '../attributes.ts';
import type { LogCare } from '../bounded.ts';
import type { LogDriver, LoggedContainer, ParseLog } from '../contract.ts';
import { checkDelivery, deliveryOptions } from '../delivery.ts';
import { cacheLimits, cacheOptions, createForwardingDriver, type Delivery, isCacheDisabled } from '../forwarding.ts';
import { connectSyslog, parseAddress, type SyslogConnection, tlsOptionNames } from '../syslog-address.ts';
import { createSyslogFormatter, parseFacility, parseFormat } from '../syslog-format.ts';
import { refuseOthers } from './local.ts';

const known = [
  ...['syslog-address', 'syslog-facility', 'syslog-format', ...tlsOptionNames],
  ...[...attributeOptions, ...cacheOptions, ...deliveryOptions],
];

/** Hands lines to a syslog server: on this machine, or over UDP, TCP or TLS. */
export function createSyslogLogs({ parseLog, care }: { parseLog: ParseLog; care: LogCare }): LogDriver {
  return createForwardingDriver({
    name: 'syslog',
    parseLog,
    care,
    check(options) {
      refuseOthers('syslog', options, known);
      parseAddress(options['syslog-address']);
      parseFacility(options['syslog-facility']);
      parseFormat(options['syslog-format']);
      checkAttributes(options);
      checkDelivery(options);
      isCacheDisabled(options);
      cacheLimits(options);
    },
    attributes: () => ({}),
    async probe({ options }) {
      try {
        (await connectSyslog(parseAddress(options['syslog-address']), options)).close();
      } catch (error) {
        throw new TugError('unavailable', `failed to initialize logging driver: ${messageOf(error)}`, { cause: error });
      }
    },
    open: openSyslog,
  });
}

function openSyslog(container: LoggedContainer): Delivery {
  const { options } = container;
  const format = createSyslogFormatter(
    parseFormat(options['syslog-format']),
    parseFacility(options['syslog-facility']),
    tagOf(container, '{{.ID}}'),
  );
  let connecting: Promise<SyslogConnection> | undefined;
  return {
    async send(line) {
      connecting ??= connectSyslog(parseAddress(options['syslog-address']), options);
      await (await connecting).send(format(line));
    },
    close: () => void connecting?.then((connection) => connection.close()).catch(() => {}),
  };
}
