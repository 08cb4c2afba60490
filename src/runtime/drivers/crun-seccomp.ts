import { compileSeccomp, type SeccompSection } from '../../host/seccomp.ts';
import type { OciSpec } from '../spec/types.ts';

/** crun(1): a compiled filter in base64, taken in place of the spec's section. */
const ANNOTATION = 'run.oci.seccomp_bpf_data';

/**
 * Replaces a spec's seccomp section by the filter compiled from it, kept from one start to the next: libseccomp
 * needs longer for it than all the rest of `crun create` together. The spec means the same.
 */
export function createSeccompCache(): (spec: OciSpec) => OciSpec {
  const programs = new Map<string, string | undefined>();
  return (spec) => {
    const section = spec.linux.seccomp;
    if (section === undefined || spec.annotations?.[ANNOTATION] !== undefined) return spec;
    const key = JSON.stringify(section);
    if (!programs.has(key)) {
      if (programs.size >= 64) programs.clear();
      programs.set(key, compileSeccomp(section as SeccompSection)?.toString('base64'));
    }
    const program = programs.get(key);
    if (program === undefined) return spec;
    const { seccomp: _compiled, ...linux } = spec.linux;
    return { ...spec, linux, annotations: { ...spec.annotations, [ANNOTATION]: program } };
  };
}
