import * as z from 'zod';
import { accessSection, authSection } from '../access/config.ts';
import { gcSection, quotaSection, retentionSection } from './care.ts';
import { healthSection } from './health.ts';
import { httpSection } from './http.ts';
import { logSection } from './log.ts';
import { notificationsSection } from './notifications.ts';
import { proxySection } from './proxy.ts';
import { storageSection } from './storage.ts';

/**
 * The keys of a registry's configuration: those of CNCF distribution's `config.yml` ("Configuring a registry") that
 * tug honours. Each section is a file of its own.
 */
export const registryConfigSchema = z.strictObject({
  version: z.union([z.literal('0.1'), z.literal(0.1)]).optional(),
  log: logSection,
  storage: storageSection,
  gc: gcSection,
  retention: retentionSection,
  quota: quotaSection,
  http: httpSection,
  auth: authSection,
  access: accessSection,
  health: healthSection,
  notifications: notificationsSection,
  proxy: proxySection,
  /** `catalog.maxentries`: how many names one page of the catalog has at most. */
  catalog: z.strictObject({ maxentries: z.int().positive().default(1000) }).prefault({}),
});

export type RegistryConfig = z.output<typeof registryConfigSchema>;
