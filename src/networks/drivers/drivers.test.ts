import { newId } from '../../base/ids.ts';
import { networkDriverSuite } from '../contract-suite.ts';
import { createHostSettings } from '../host-settings.ts';
import { enterPrivateHost } from '../private-host.contract-suite.ts';
import { createBridgeDriver } from './bridge.ts';
import { createHostDriver } from './host.ts';
import { createMacvlanDriver } from './macvlan.ts';
import { createNullDriver } from './null.ts';

enterPrivateHost();
networkDriverSuite('host', () => createHostDriver());
networkDriverSuite('null', () => createNullDriver());
networkDriverSuite('macvlan', () => createMacvlanDriver(newId()));
networkDriverSuite('bridge', (database) =>
  createBridgeDriver({
    engineId: newId(),
    bridgeName: 'tug0',
    settings: createHostSettings(database),
    options: {},
  }),
);
