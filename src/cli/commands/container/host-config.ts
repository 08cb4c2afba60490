import path from 'node:path';
import type { HostConfig } from '../../../api/types/container.ts';
import { invalid } from '../../../base/errors.ts';
import { parseBytes } from '../../../formats/bytes.ts';
import { cutKeyValue } from '../../../formats/key-value.ts';
import type { ParsedFlags } from '../../flags.ts';
import { parseAddHost, parseDependency, parseIpAddress, parseLinkOption, parseTmpfs } from './create-values.ts';
import { copied, copiedLists, keyValues, numbers } from './given-fields.ts';
import { isolationConfig } from './isolation-config.ts';
import { parseMountOption } from './mount-option.ts';
import { resourceConfig } from './resource-config.ts';

/** The part of a create request that is about the host. @throws invalid in Docker's words. */
export function hostConfigOf(
  flags: ParsedFlags,
  networkMode: string,
  portBindings: NonNullable<HostConfig['PortBindings']>,
): HostConfig {
  return {
    NetworkMode: networkMode,
    ...(Object.keys(portBindings).length > 0 ? { PortBindings: portBindings } : {}),
    ...lifecycle(flags),
    ...isolationConfig(flags),
    ...storage(flags),
    ...names(flags),
    ...resourceConfig(flags),
  };
}

function lifecycle(flags: ParsedFlags): HostConfig {
  const restart = restartPolicy(flags.string('restart'));
  if (flags.bool('rm') && restart.Name !== 'no')
    throw invalid('conflicting options: cannot specify both --restart and --rm');
  return {
    ...(flags.given('restart') ? { RestartPolicy: restart } : {}),
    ...(flags.bool('restart-on-unhealthy') ? { RestartOnUnhealthy: true } : {}),
    ...(flags.given('depends-on') ? { DependsOn: flags.list('depends-on').map(parseDependency) } : {}),
    ...(flags.given('egress') ? { Egress: [...flags.list('egress')] } : {}),
    ...(flags.bool('rm') ? { AutoRemove: true } : {}),
    ...(flags.given('init') ? { Init: flags.bool('init') } : {}),
    ...(flags.given('cidfile') ? { ContainerIDFile: flags.string('cidfile') } : {}),
    ...logConfig(flags),
  };
}

/** `NAME[:COUNT]`. @throws invalid in Docker's words. */
export function restartPolicy(text: string): { Name: string; MaximumRetryCount: number } {
  const [name = '', count] = text.split(':');
  if (count !== undefined && (name === '' || !/^-?\d+$/.test(count)))
    throw invalid(
      name === ''
        ? 'invalid restart policy format: no policy provided before colon'
        : 'invalid restart policy format: maximum retry count must be an integer',
    );
  return { Name: name === '' ? 'no' : name, MaximumRetryCount: Number(count ?? 0) };
}

function logConfig(flags: ParsedFlags): HostConfig {
  const options = keyValues(flags.list('log-opt'));
  if (flags.string('log-driver') === 'none' && Object.keys(options).length > 0)
    throw invalid('invalid logging opts for driver none');
  if (!flags.given('log-driver') && Object.keys(options).length === 0) return {};
  return { LogConfig: { Type: flags.string('log-driver'), Config: options } };
}

function storage(flags: ParsedFlags): HostConfig {
  const binds = flags
    .list('volume')
    .filter((text) => text.includes(':'))
    .map(absoluteSource);
  const storageOptions = flags.list('storage-opt').map((text) => {
    const { key, value } = cutKeyValue(text);
    if (value === undefined) throw invalid('invalid storage option');
    return [key, value] as const;
  });
  return {
    ...(binds.length > 0 ? { Binds: binds } : {}),
    ...(flags.given('mount') ? { Mounts: flags.list('mount').map(parseMountOption) } : {}),
    ...(flags.given('tmpfs') ? { Tmpfs: Object.fromEntries(flags.list('tmpfs').map(parseTmpfs)) } : {}),
    ...(storageOptions.length > 0 ? { StorageOpt: Object.fromEntries(storageOptions) } : {}),
    ...(flags.bool('read-only') ? { ReadonlyRootfs: true } : {}),
    ...copied(flags, { 'volume-driver': 'VolumeDriver' }),
    ...copiedLists(flags, { 'volumes-from': 'VolumesFrom' }),
    ...numbers(flags, { 'shm-size': 'ShmSize' }, parseBytes),
  };
}

/** `./dir:/x`: the engine does not know the client's working directory. */
function absoluteSource(text: string): string {
  if (!text.startsWith('.')) return text;
  const colon = text.indexOf(':');
  return path.resolve(text.slice(0, colon)) + text.slice(colon);
}

function names(flags: ParsedFlags): HostConfig {
  return {
    ...(flags.bool('publish-all') ? { PublishAllPorts: true } : {}),
    ...(flags.given('add-host') ? { ExtraHosts: flags.list('add-host').map(parseAddHost) } : {}),
    ...(flags.given('dns') ? { Dns: flags.list('dns').map(parseIpAddress) } : {}),
    ...(flags.given('link') ? { Links: flags.list('link').map(parseLinkOption) } : {}),
    ...copiedLists(flags, { 'dns-option': 'DnsOptions', 'dns-search': 'DnsSearch' }),
  };
}
