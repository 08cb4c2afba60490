import { createCrun } from '../../drivers/crun.ts';
import { createRunc } from '../../drivers/runc.ts';
import { monitorContractSuite } from '../contract-suite.ts';
import { createConmonMonitor } from './conmon.ts';

monitorContractSuite('conmon with crun', (root) => ({
  monitor: createConmonMonitor({ conmonPath: '/usr/bin/conmon' }),
  runtime: createCrun({ path: '/usr/bin/crun', root, cgroupManager: 'cgroupfs' }),
}));

monitorContractSuite('conmon with runc', (root) => ({
  monitor: createConmonMonitor({ conmonPath: '/usr/bin/conmon' }),
  runtime: createRunc({ path: '/usr/sbin/runc', root, cgroupManager: 'cgroupfs' }),
}));
