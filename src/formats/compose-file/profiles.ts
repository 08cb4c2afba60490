import { invalid } from '../../base/errors.ts';
import type { Project, ServiceModel } from './model.ts';
import { didYouMean } from './problems.ts';

/**
 * The project with only the services that are on: those without profiles, those of an active one (`*` is all), those
 * named, and what the named ones need.
 * @throws invalid `no such service: x`, and for a needed service whose profile is off.
 */
export function withProfiles(project: Project, active: readonly string[], named: readonly string[] = []): Project {
  for (const name of named)
    if (!(name in project.services))
      throw invalid(`no such service: ${name}${didYouMean(name, Object.keys(project.services))}`);
  const on = (service: ServiceModel): boolean =>
    !service.profiles?.length || active.includes('*') || service.profiles.some((one) => active.includes(one));
  const wanted = new Set(Object.keys(project.services).filter((name) => on(project.services[name]!)));
  for (const name of named) wanted.add(name);
  const services: Record<string, ServiceModel> = {};
  for (const [name, service] of Object.entries(project.services)) {
    if (!wanted.has(name)) continue;
    const dependencies = Object.entries(service.depends_on ?? {}).filter(([other, { required }]) => {
      if (wanted.has(other)) return true;
      if (required)
        throw invalid(
          `service "${name}" depends on service "${other}", which is not on: its profiles are ${(project.services[other]?.profiles ?? []).join(', ')}`,
        );
      return false;
    });
    const { depends_on: _, ...rest } = service;
    services[name] = dependencies.length > 0 ? { ...rest, depends_on: Object.fromEntries(dependencies) } : rest;
  }
  return { ...project, services };
}

/** The services that are named and, with `dependencies`, all that they need; all without names. */
export function selectServices(project: Project, named: readonly string[], dependencies: boolean): string[] {
  for (const name of named)
    if (!(name in project.services))
      throw invalid(`no such service: ${name}${didYouMean(name, Object.keys(project.services))}`);
  if (named.length === 0) return Object.keys(project.services);
  const chosen = new Set<string>();
  const add = (name: string): void => {
    if (chosen.has(name) || !(name in project.services)) return;
    chosen.add(name);
    if (dependencies) for (const other of Object.keys(project.services[name]?.depends_on ?? {})) add(other);
  };
  for (const name of named) add(name);
  return [...chosen];
}
