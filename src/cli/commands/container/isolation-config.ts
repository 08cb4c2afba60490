import type { HostConfig } from '../../../api/types/container.ts';
import { invalid, messageOf } from '../../../base/errors.ts';
import type { ParsedFlags } from '../../flags.ts';
import { readOptionFile } from '../../option-file.ts';
import { parseSysctl } from './create-values.ts';
import { copied, copiedLists, keyValues } from './given-fields.ts';

/** What the container may do and see: namespaces, capabilities, security options, kernel parameters. @throws invalid. */
export function isolationConfig(flags: ParsedFlags): HostConfig {
  if (!/^(host|container:.+|)$/.test(flags.optional('pid') ?? '')) throw invalid('--pid: invalid PID mode');
  return {
    ...(flags.bool('privileged') ? { Privileged: true } : {}),
    ...copied(flags, {
      ...{ ipc: 'IpcMode', pid: 'PidMode', uts: 'UTSMode', userns: 'UsernsMode', cgroupns: 'CgroupnsMode' },
      ...{ isolation: 'Isolation', runtime: 'Runtime', 'cgroup-parent': 'CgroupParent' },
    }),
    ...(flags.given('cap-add') ? { CapAdd: flags.list('cap-add').map(capability) } : {}),
    ...(flags.given('cap-drop') ? { CapDrop: flags.list('cap-drop').map(capability) } : {}),
    ...copiedLists(flags, { 'group-add': 'GroupAdd' }),
    ...securityOptions(flags.list('security-opt')),
    ...(flags.given('sysctl') ? { Sysctls: Object.fromEntries(flags.list('sysctl').map(parseSysctl)) } : {}),
    ...(flags.given('annotation') ? { Annotations: keyValues(flags.list('annotation')) } : {}),
  };
}

/** `net_admin` as the API writes it, `CAP_NET_ADMIN`. */
function capability(text: string): string {
  const upper = text.trim().toUpperCase();
  return upper === 'ALL' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
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
