import * as path from 'node:path';
import { systemClock } from '../base/clock.ts';
import { type Database, openDatabase } from '../base/database.ts';
import { type Journal, journalMigrations, openJournal } from '../base/journal.ts';
import { type Leases, leaseMigrations, openLeases } from '../base/leases.ts';
import { createLockTable } from '../base/lock.ts';
import type { Logger } from '../base/log.ts';
import { buildMigrations } from '../builder/cache/store.ts';
import type { Builder } from '../builder/contract.ts';
import { createBuilder } from '../builder/service.ts';
import type { ContainerService } from '../containers/contract.ts';
import { createFolderArchiver } from '../containers/copy/carry.ts';
import { healthMigrations } from '../containers/health-store.ts';
import { createContainerService } from '../containers/service.ts';
import { containerMigrations } from '../containers/store.ts';
import type { UserRemap } from '../containers/user-namespace.ts';
import { createEventBus } from '../events/bus.ts';
import type { EventBus } from '../events/contract.ts';
import { type EventHistory, openEventHistory } from '../events/history.ts';
import { type Bootstrapper, createBootstrapper } from '../images/bootstrap/bootstrap.ts';
import type { ImageService } from '../images/contract.ts';
import { imageMigrations } from '../images/migrations.ts';
import { createImageReports, type ImageReports } from '../images/reports.ts';
import { createImageService } from '../images/service.ts';
import { openImageStores } from '../images/stores.ts';
import type { NetworkService } from '../networks/contract.ts';
import { createNameServers } from '../networks/dns/name-servers.ts';
import { networkMigrations } from '../networks/migrations.ts';
import { createNetworkService } from '../networks/service.ts';

import type { VolumeService } from '../volumes/contract.ts';
import { createVolumeService } from '../volumes/service.ts';
import { volumeMigrations } from '../volumes/store.ts';
import * as builtins from './builtins.ts';
import type { DaemonConfig } from './config.ts';
import { engineId, engineMigrations } from './engine-id.ts';
import type { InfoSource } from './info.ts';
import { createLazyRegistries } from './lazy-registries.ts';
import { findProgram } from './programs.ts';
import { findNamespacePrograms, proveRemap } from './remap.ts';
import { restore } from './restore.ts';
import type { Registries } from './routers/registries.ts';
import { bootSession } from './session.ts';
import { reserveState } from './state-reserve.ts';

/** All domains, composed. */
export interface Engine {
  readonly config: DaemonConfig;
  readonly containers: ContainerService;
  readonly images: ImageService;
  readonly reports: ImageReports;
  readonly bootstrapper: Bootstrapper;
  readonly builder: Builder;
  readonly networks: NetworkService;
  readonly volumes: VolumeService;
  readonly registries: Registries;
  readonly events: EventBus;
  /** What `/info` is told from. */
  readonly info: InfoSource;
  /** Makes state and world agree. Call once, before serving. */
  restore(): Promise<void>;
  /** Lets go of everything; containers run on. Nothing may be called after it. */
  close(): Promise<void>;
}

/** What every domain stands on. */
interface Foundations {
  readonly config: DaemonConfig;
  readonly id: string;
  readonly database: Database;
  readonly journal: Journal;
  readonly leases: Leases;
  readonly history: EventHistory;
  readonly events: EventBus;
  readonly log: Logger;
}

const migrations = [
  ...engineMigrations,
  ...journalMigrations,
  ...leaseMigrations,
  ...imageMigrations,
  ...networkMigrations,
  ...volumeMigrations,
  ...containerMigrations,
  ...healthMigrations,
  ...buildMigrations,
];

/** Opens the engine's state and composes its domains. Both roots exist and are this process's own. */
export function openEngine(config: DaemonConfig, log: Logger, remap: UserRemap | undefined): Engine {
  const foundations = openFoundations(config, log);
  const { networks, networkDrivers } = openNetworks(foundations);
  const drivers = builtins.openVolumeDrivers(config);
  const archiver = createFolderArchiver();
  const volumes = createVolumeService({
    ...foundations,
    drivers,
    archiver,
    log: log.channel('volumes'),
  });
  const { images, reports, bootstrapper, snapshots, closeImages, registries } = openImages(foundations, (id) =>
    containers.stateOf(id),
  );
  const { machinery, closeMachinery } = openMachinery(foundations, remap);
  const containers = createContainerService({
    ...foundations,
    ...machinery,
    locks: createLockTable(),
    clock: systemClock,
    log: log.channel('containers'),
    images,
    snapshots,
    networks,
    volumes,
    dataRoot: config.dataRoot,
    execRoot: config.execRoot,
    healthEarlyProbes: config.healthEarlyProbes,
  });
  const { execRoot, dataRoot } = config;
  const builder = createBuilder({
    ...{ ...foundations, images, work: containers.work, archiver, registries, execRoot, dataRoot },
    log: log.channel('build'),
  });
  const info = { ...machinery, config, containers, images, networkDrivers, volumes, engineId: foundations.id };

  return {
    config,
    containers,
    images,
    reports,
    bootstrapper,
    builder,
    networks,
    volumes,
    registries,
    events: foundations.events,
    info,
    async restore() {
      await builtins.loadDefaultProfile(machinery.apparmor, log);
      if (remap) await proveRemap(remap, snapshots, config.execRoot);
      await restore({ ...foundations, containers, networks, volumes, images, bootstrapper, builder });
    },
    async close() {
      await containers.shutdown();
      await networks.shutdown({ removeBridge: false });
      await closeImages();
      await closeMachinery();
      builtins.closeRuntimes(config);
      registries.close();
      foundations.database[Symbol.dispose]();
      foundations.history[Symbol.dispose]();
    },
  };
}

const stateFile = (config: DaemonConfig): string => path.join(config.dataRoot, 'state.db');

function openFoundations(config: DaemonConfig, log: Logger): Foundations {
  const database = openDatabase(stateFile(config), migrations);
  const id = engineId(database);
  reserveState(config.dataRoot, log);
  const history = openEventHistory(path.join(config.dataRoot, 'events'), config.eventsHistory);
  return {
    config,
    id,
    database,
    journal: openJournal(database),
    leases: openLeases(database),
    history,
    events: createEventBus(history),
    log,
  };
}

function openNetworks(foundations: Foundations) {
  const { config, id, database, log } = foundations;
  const drivers = builtins.openNetworkDrivers(config, id, database);
  const networks = createNetworkService({
    ...foundations,
    execRoot: config.execRoot,
    log: log.channel('net'),
    names: createNameServers({ database: stateFile(config), log: log.channel('net') }),
    resolver: config.resolver,
    drivers,
    pools: builtins.addressPools(config, id),
    defaultOptions: config.network.defaultOptions,
    publishing: config.publishing.settings,
  });
  return { networks, networkDrivers: drivers.map(({ name }) => name) };
}

function openImages(foundations: Foundations, containerState: (id: string) => 'running' | 'stopped' | undefined) {
  const { config, database } = foundations;
  const log = foundations.log.channel('images');
  const snapshots = builtins.openSnapshotDriver(config);
  const limits = config.decompressionLimits;
  const stores = openImageStores({
    ...{ database, root: config.dataRoot, driver: snapshots, log, limits },
    session: bootSession(config.execRoot),
  });
  const registries = createLazyRegistries(config, stores, { leases: foundations.leases, log });
  const images = createImageService({
    ...{ ...foundations, ...stores, log, ...registries, containerState },
    searchRegistries: config.searchRegistries,
  });
  const reports = createImageReports({ ...stores, searchRegistries: config.searchRegistries });
  const bootstrapper = createBootstrapper({ images, folder: path.join(config.dataRoot, 'bootstrap'), findProgram });
  const closeImages = async (): Promise<void> => {
    await stores.settling.flush().catch(() => {}); // the notes stay, and the next engine sees to it
    await stores.settling.close();
    await stores.pool.close();
    await stores.arrivals.close();
  };
  return { images, reports, bootstrapper, snapshots, closeImages, registries };
}

/** What runs containers: runtimes, monitor, control groups, logs. */
function openMachinery({ config, id, log }: Foundations, remap: UserRemap | undefined) {
  const runtimes = builtins.openRuntimes(config, log);
  const monitor = builtins.openMonitor(config, log);
  const cgroups = builtins.openCgroups(config, id, log.channel('cgroups'));
  const { close: closeLogs, ...logging } = builtins.openLogDrivers(monitor, config, log.channel('logs'));
  const machinery = {
    runtimes,
    defaultRuntime: builtins.chooseDefaultRuntime(config.defaultRuntime, runtimes),
    monitor,
    cgroups: cgroups.driver,
    ...logging,
    criu: builtins.findCriu(),
    initPath: builtins.findInit(),
    remap,
    namespacePrograms: findNamespacePrograms(),
    nullDevice: builtins.openNullDevice(config),
    ...builtins.openSecurityModules(config, log),
  };
  const closeMachinery = async (): Promise<void> => {
    closeLogs();
    await cgroups.close();
  };
  return { machinery, closeMachinery };
}
