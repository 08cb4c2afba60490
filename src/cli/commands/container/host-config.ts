import path from 'node:path';
import type { HostConfig } from '../../../api/types/container.ts';
import { invalid, messageOf } from '../../../base/errors.ts';
import { parseBytes, parseMemorySwap } from '../../../formats/bytes.ts';
import { cutKeyValue } from '../../../formats/key-value.ts';
import type { ParsedFlags } from '../../flags.ts';
import { readOptionFile } from '../../option-file.ts';
import {
  parseAddHost,
  parseCpus,
  parseDevice,
  parseIpAddress,
  parseLinkOption,
  parseRateDevice,
  parseSysctl,
  parseTmpfs,
  parseUlimit,
  parseWeightDevice,
} from './create-values.ts';

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
    ...isolation(flags),
    ...storage(flags),
    ...names(flags),
    ...cpuAndMemory(flags),
    ...devices(flags),
  };
}

/** Fields of the options that were given and go over as they are. */
function copied(flags: ParsedFlags, fields: Readonly<Record<string, string>>): HostConfig {
  const given = Object.entries(fields).filter(([option]) => flags.given(option));
  return Object.fromEntries(given.map(([option, field]) => [field, flags.string(option)]));
}

function copiedLists(flags: ParsedFlags, fields: Readonly<Record<string, string>>): HostConfig {
  const given = Object.entries(fields).filter(([option]) => flags.given(option));
  return Object.fromEntries(given.map(([option, field]) => [field, [...flags.list(option)]]));
}

/** Numbers of the options that were given. */
function numbers(flags: ParsedFlags, fields: Readonly<Record<string, string>>, read: (text: string) => number) {
  const given = Object.entries(fields).filter(([option]) => flags.given(option));
  return Object.fromEntries(given.map(([option, field]) => [field, read(flags.string(option))])) as HostConfig;
}

function lifecycle(flags: ParsedFlags): HostConfig {
  const restart = restartPolicy(flags.string('restart'));
  if (flags.bool('rm') && restart.Name !== 'no')
    throw invalid('conflicting options: cannot specify both --restart and --rm');
  return {
    ...(flags.given('restart') ? { RestartPolicy: restart } : {}),
    ...(flags.bool('rm') ? { AutoRemove: true } : {}),
    ...(flags.given('init') ? { Init: flags.bool('init') } : {}),
    ...(flags.given('cidfile') ? { ContainerIDFile: flags.string('cidfile') } : {}),
    ...logConfig(flags),
  };
}

function restartPolicy(text: string): { Name: string; MaximumRetryCount: number } {
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

function keyValues(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map(cutKeyValue).map(({ key, value }) => [key, value ?? '']));
}

function isolation(flags: ParsedFlags): HostConfig {
  return {
    ...(flags.bool('privileged') ? { Privileged: true } : {}),
    ...copied(flags, {
      ...{ ipc: 'IpcMode', pid: 'PidMode', uts: 'UTSMode', userns: 'UsernsMode', cgroupns: 'CgroupnsMode' },
      ...{ isolation: 'Isolation', runtime: 'Runtime', 'cgroup-parent': 'CgroupParent' },
    }),
    ...copiedLists(flags, { 'cap-add': 'CapAdd', 'cap-drop': 'CapDrop', 'group-add': 'GroupAdd' }),
    ...securityOptions(flags.list('security-opt')),
    ...(flags.given('sysctl') ? { Sysctls: Object.fromEntries(flags.list('sysctl').map(parseSysctl)) } : {}),
    ...(flags.given('annotation') ? { Annotations: keyValues(flags.list('annotation')) } : {}),
  };
}

/** A seccomp profile is a file of the client's: its text goes over. `systempaths=unconfined` unmasks /proc and /sys. */
function securityOptions(texts: readonly string[]): HostConfig {
  if (texts.length === 0) return {};
  const options: string[] = [];
  let unmasked = false;
  for (const text of texts) {
    const cut = /^([^=:]+)[=:](.*)$/.exec(text);
    if (!cut) {
      if (text !== 'no-new-privileges') throw invalid(`Invalid --security-opt: "${text}"`);
      options.push(text);
      continue;
    }
    const [, key = '', value = ''] = cut;
    if (key === 'systempaths' && value === 'unconfined') unmasked = true;
    else if (key === 'seccomp' && value !== 'unconfined' && value !== 'builtin')
      options.push(`seccomp=${seccompProfile(value)}`);
    else options.push(text);
  }
  return { SecurityOpt: options, ...(unmasked ? { MaskedPaths: [], ReadonlyPaths: [] } : {}) };
}

function seccompProfile(file: string): string {
  let text: string;
  try {
    text = readOptionFile(file).toString();
  } catch (error) {
    throw invalid(`opening seccomp profile (${file}) failed: ${messageOf(error)}`, { cause: error });
  }
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    throw invalid(`compacting json for seccomp profile (${file}) failed: ${messageOf(error)}`, { cause: error });
  }
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

function cpuAndMemory(flags: ParsedFlags): HostConfig {
  const swappiness = flags.int('memory-swappiness');
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100))
    throw invalid(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  return {
    ...numbers(flags, { memory: 'Memory', 'memory-reservation': 'MemoryReservation' }, parseBytes),
    ...numbers(flags, { 'memory-swap': 'MemorySwap' }, parseMemorySwap),
    ...(swappiness === -1 ? {} : { MemorySwappiness: swappiness }),
    ...numbers(flags, { cpus: 'NanoCpus' }, parseCpus),
    ...integers(flags, {
      ...{ 'cpu-shares': 'CpuShares', 'cpu-period': 'CpuPeriod', 'cpu-quota': 'CpuQuota' },
      ...{ 'cpu-rt-period': 'CpuRealtimePeriod', 'cpu-rt-runtime': 'CpuRealtimeRuntime' },
      ...{ 'pids-limit': 'PidsLimit', 'oom-score-adj': 'OomScoreAdj', 'blkio-weight': 'BlkioWeight' },
    }),
    ...copied(flags, { 'cpuset-cpus': 'CpusetCpus', 'cpuset-mems': 'CpusetMems' }),
    ...(flags.given('oom-kill-disable') ? { OomKillDisable: flags.bool('oom-kill-disable') } : {}),
    ...(flags.given('ulimit') ? { Ulimits: flags.list('ulimit').map(parseUlimit) } : {}),
  };
}

function integers(flags: ParsedFlags, fields: Readonly<Record<string, string>>): HostConfig {
  const given = Object.entries(fields).filter(([option]) => flags.given(option));
  return Object.fromEntries(given.map(([option, field]) => [field, flags.int(option)]));
}

function devices(flags: ParsedFlags): HostConfig {
  const rates = (option: string, field: string, unit: 'bytes' | 'operations'): HostConfig =>
    flags.given(option) ? { [field]: flags.list(option).map((text) => parseRateDevice(text, unit)) } : {};
  return {
    ...(flags.given('device') ? { Devices: flags.list('device').map(parseDevice) } : {}),
    ...copiedLists(flags, { 'device-cgroup-rule': 'DeviceCgroupRules' }),
    ...(flags.given('blkio-weight-device')
      ? { BlkioWeightDevice: flags.list('blkio-weight-device').map(parseWeightDevice) }
      : {}),
    ...rates('device-read-bps', 'BlkioDeviceReadBps', 'bytes'),
    ...rates('device-write-bps', 'BlkioDeviceWriteBps', 'bytes'),
    ...rates('device-read-iops', 'BlkioDeviceReadIOps', 'operations'),
    ...rates('device-write-iops', 'BlkioDeviceWriteIOps', 'operations'),
  };
}
