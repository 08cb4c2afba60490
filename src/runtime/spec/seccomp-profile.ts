import { release } from 'node:os';
import { z } from 'zod';
import { invalid } from '../../base/errors.ts';
import type { SeccompProfile } from './seccomp.ts';

/**
 * A profile as users keep it in a file: the OCI section, with Docker's additions, `archMap` for the
 * architectures and per rule `includes` and `excludes` that depend on capabilities, architecture and kernel.
 */
const condition = z.object({
  caps: z.array(z.string()).nullish(),
  arches: z.array(z.string()).nullish(),
  minKernel: z.string().nullish(),
});

const userProfile = z.object({
  defaultAction: z.string(),
  defaultErrnoRet: z.number().int().nullish(),
  architectures: z.array(z.string()).nullish(),
  archMap: z.array(z.object({ architecture: z.string(), subArchitectures: z.array(z.string()).nullish() })).nullish(),
  syscalls: z
    .array(
      z.object({
        name: z.string().nullish(),
        names: z.array(z.string()).nullish(),
        action: z.string(),
        errnoRet: z.number().int().nullish(),
        args: z
          .array(
            z.object({ index: z.number().int(), value: z.number(), valueTwo: z.number().nullish(), op: z.string() }),
          )
          .nullish(),
        includes: condition.nullish(),
        excludes: condition.nullish(),
      }),
    )
    .nullish(),
});

type Condition = z.infer<typeof condition>;

const nativeArchitecture: Readonly<Record<string, { seccomp: string; go: string }>> = {
  x64: { seccomp: 'SCMP_ARCH_X86_64', go: 'amd64' },
  arm64: { seccomp: 'SCMP_ARCH_AARCH64', go: 'arm64' },
};

/** A user's profile as the OCI section for a container with these capabilities on this host. @throws invalid. */
export function parseSeccompProfile(text: string, capabilities: readonly string[]): SeccompProfile {
  const profile = decode(text);
  const native = nativeArchitecture[process.arch];
  const mapped = profile.archMap?.find(({ architecture }) => architecture === native?.seccomp);
  const architectures = mapped ? [mapped.architecture, ...(mapped.subArchitectures ?? [])] : profile.architectures;
  const holds = (part: Condition): boolean =>
    (part.caps ?? []).every((name) => capabilities.includes(name)) &&
    (!part.arches?.length || part.arches.includes(native?.go ?? '')) &&
    (!part.minKernel || kernelAtLeast(part.minKernel));
  const excluded = (part: Condition): boolean =>
    (part.caps ?? []).some((name) => capabilities.includes(name)) || (part.arches ?? []).includes(native?.go ?? '');
  const rules = (profile.syscalls ?? []).filter(
    ({ includes, excludes }) => (!includes || holds(includes)) && !(excludes && excluded(excludes)),
  );
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet == null ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures ? { architectures: [...architectures] } : {}),
    syscalls: rules.map((rule) => ({
      names: rule.names ?? (rule.name ? [rule.name] : []),
      action: rule.action,
      ...(rule.errnoRet == null ? {} : { errnoRet: rule.errnoRet }),
      ...(rule.args?.length ? { args: rule.args.map(comparison) } : {}),
    })),
  };
}

function comparison(arg: { index: number; value: number; valueTwo?: number | null | undefined; op: string }) {
  return { index: arg.index, value: arg.value, valueTwo: arg.valueTwo ?? 0, op: arg.op };
}

function decode(text: string): z.infer<typeof userProfile> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(`Decoding seccomp profile failed: ${(error as Error).message}`, { cause: error });
  }
  const result = userProfile.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw invalid(`Decoding seccomp profile failed: ${issue?.path.join('.') || 'the profile'}: ${issue?.message}`);
}

function kernelAtLeast(wanted: string): boolean {
  const numbers = (version: string): number[] => version.split(/[.-]/).slice(0, 2).map(Number);
  const [major = 0, minor = 0] = numbers(wanted);
  const [ownMajor = 0, ownMinor = 0] = numbers(release());
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
