import { readFileSync } from 'node:fs';
import { errnoOf, internal, messageOf } from '../base/errors.ts';
import { run } from '../base/process.ts';
import { readIfThere } from '../base/read-if-there.ts';

/** AppArmor of this host, which confines containers by profiles that are loaded into the kernel. */
export interface Apparmor {
  /** What confines a container that asks for nothing else; undefined where there is none and none can be loaded. */
  readonly defaultProfile: string | undefined;
  /** True for a profile that the kernel has, and for what is no profile of this engine's to look for. */
  has(profile: string): boolean;
  /**
   * Loads the default profile. One that is loaded stays, whoever loaded it: containers of another engine may run under
   * it. The kernel takes a profile whole or not at all; killed on the way, the next to ask loads it. Idempotent.
   * @throws internal in Docker's words when it cannot be loaded.
   */
  load(): Promise<void>;
}

/** Where the kernel and this process stand to AppArmor. */
export interface ApparmorState {
  /** `hidden`: it is on, and the list of profiles cannot be read: securityfs is not mounted, or this process is confined. */
  readonly kernel: 'off' | 'hidden' | 'on';
  readonly profiles: readonly string[];
}

/**
 * Reads it anew. In a container (`container` is set, as systemd and other engines do) AppArmor is off: profiles are
 * its host's.
 */
export function readApparmor(): ApparmorState {
  const enabled = readIfThere('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') ?? false;
  if (!enabled || process.env['container']) return { kernel: 'off', profiles: [] };
  try {
    return { kernel: 'on', profiles: parseProfiles(readFileSync('/sys/kernel/security/apparmor/profiles', 'utf8')) };
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return { kernel: 'hidden', profiles: [] };
    throw error;
  }
}

/** Names from the kernel's list of profiles, a line `NAME (MODE)` each. */
export const parseProfiles = (text: string): string[] =>
  text.split('\n').flatMap((line) => /^(.+) \([a-z]+\)$/.exec(line)?.[1] ?? []);

export interface ApparmorOptions {
  /** The default profile's name and text. */
  readonly name: string;
  readonly text: string;
  /** apparmor_parser(8), where it is installed. */
  readonly parser: string | undefined;
  /** `readApparmor`, or what stands for it. */
  readonly read?: () => ApparmorState;
}

/** Undefined where AppArmor is not at work. Whether there can be a default profile is decided now, for good. */
export function openApparmor({ name, text, parser, read = readApparmor }: ApparmorOptions): Apparmor | undefined {
  const state = read();
  if (state.kernel !== 'on') return undefined;
  let loading: Promise<void> | undefined;
  return {
    defaultProfile: parser === undefined && !state.profiles.includes(name) ? undefined : name,
    has: (profile) => profile === 'unconfined' || isElsewhere(profile) || read().profiles.includes(profile),
    load() {
      loading ??= addProfile({ name, text, parser, read }).finally(() => {
        loading = undefined;
      });
      return loading;
    },
  };
}

/** `:NAMESPACE:PROFILE`: the list has those of this namespace alone. */
const isElsewhere = (profile: string): boolean => profile.startsWith(':');

/** The parser reads its standard input, so that no file is left of it; an engine that was quicker is no fault. */
async function addProfile({ name, text, parser, read }: Required<ApparmorOptions>): Promise<void> {
  const isThere = (): boolean => read().profiles.includes(name);
  if (isThere()) return;
  const refused = (words: string) =>
    internal(`AppArmor enabled on system but the ${name} profile could not be loaded: ${words}`);
  if (parser === undefined) throw refused('apparmor_parser is not installed');
  const args = ['--add', '--skip-cache', '--quiet'];
  const { code, stderr } = await run(parser, args, { input: text, timeout: 60_000 }).catch((error: unknown) => {
    throw refused(messageOf(error));
  });
  if (code !== 0 && !isThere())
    throw refused(
      `running \`${parser} ${args.join(' ')}\` failed with output: ${stderr.trim()} error: exit status ${code}`,
    );
}
