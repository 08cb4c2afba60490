import type { Platform } from '../../api/oci/image.ts';
import { formatPlatform } from '../platform.ts';
import type { Dockerfile } from './types.ts';

/** Build arguments that need no ARG, and that neither an image's history nor a cache key has. */
export const proxyArgs: readonly string[] = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap(
  (name) => [name, name.toLowerCase()],
);

/** Build arguments that speak to the builder and need no ARG. */
export const builderArgs: readonly string[] = [
  'BUILDKIT_BUILD_NAME',
  'BUILDKIT_CACHE_MOUNT_NS',
  'BUILDKIT_CONTEXT_KEEP_GIT_DIR',
  'BUILDKIT_DOCKERFILE_CHECK',
  'BUILDKIT_INLINE_CACHE',
  'BUILDKIT_MULTI_PLATFORM',
  'BUILDKIT_SANDBOX_HOSTNAME',
  'BUILDKIT_SYNTAX',
  'SOURCE_DATE_EPOCH',
];

/** The platforms of a build: of the machine that builds, and of the image that is wanted. */
export interface BuildPlatforms {
  readonly build: Platform;
  readonly target: Platform;
  /** TARGETSTAGE: the name of the target stage, `default` without one. */
  readonly stage?: string;
}

/** The global ARGs that every Dockerfile has: `TARGETPLATFORM`, `TARGETOS`, ..., `BUILDPLATFORM`, ... */
export function platformArgs({ build, target, stage }: BuildPlatforms): Map<string, string> {
  return new Map([...argsOf('BUILD', build), ...argsOf('TARGET', target), ['TARGETSTAGE', stage || 'default']]);
}

function argsOf(prefix: 'BUILD' | 'TARGET', platform: Platform): [string, string][] {
  return [
    [`${prefix}PLATFORM`, formatPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}OSVERSION`, platform['os.version'] ?? ''],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ''],
  ];
}

/** The build arguments that were given and that nothing in the file declares or knows, in order. */
export function unusedBuildArgs({ globalArgs, stages }: Dockerfile, given: Iterable<string>): string[] {
  const known = new Set([...proxyArgs, ...builderArgs]);
  const instructions = [...globalArgs, ...stages.flatMap((stage) => stage.instructions)];
  for (const instruction of instructions) {
    if (instruction.name === 'ARG') for (const { key } of instruction.args) known.add(key);
  }
  return [...given].filter((name) => !known.has(name));
}
