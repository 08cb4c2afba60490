import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { libraryLoader } from './shared-library.ts';

/** `linux.seccomp` of the OCI runtime-spec (config-linux.md, "Seccomp"), the part a filter is made of. */
export interface SeccompSection {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly syscalls?: readonly {
    readonly names: readonly string[];
    readonly action: string;
    readonly errnoRet?: number;
    readonly args?: readonly { index: number; value: number; valueTwo?: number; op: string }[];
  }[];
}

const EPERM = 1;
const UNKNOWN_SYSCALL = -1;
const actions: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};
const operators: Readonly<Record<string, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

/**
 * Compiles a seccomp section to the BPF program the kernel takes (seccomp(2)), with libseccomp, as an OCI
 * runtime does at every start: some 10 ms that are spent once here instead. Returns undefined where the
 * section asks for something only the runtime can do (listeners, tracing) or libseccomp is not there.
 */
export function compileSeccomp(section: SeccompSection): Buffer | undefined {
  const library = loadLibrary();
  if (!library || !isPlain(section)) return undefined;
  const context = library.init(action(section.defaultAction, section.defaultErrnoRet));
  if (!context) return undefined;
  try {
    addArchitectures(library, context, section.architectures ?? []);
    library.setAttribute(context, ATTRIBUTE_OPTIMIZE, BINARY_TREE);
    addRules(library, context, section);
    return exportProgram(library, context);
  } finally {
    library.release(context);
  }
}

const ATTRIBUTE_OPTIMIZE = 8;
const BINARY_TREE = 2;

const isPlain = (section: SeccompSection): boolean =>
  [section.defaultAction, ...(section.syscalls ?? []).map((rule) => rule.action)].every((name) => name in actions);

const action = (name: string, errno: number | undefined): number =>
  name === 'SCMP_ACT_ERRNO' ? actions[name]! | ((errno ?? EPERM) & 0xffff) : actions[name]!;

interface Library {
  init(action: number): unknown;
  release(context: unknown): void;
  resolveArchitecture(name: string): number;
  addArchitecture(context: unknown, token: number): number;
  setAttribute(context: unknown, attribute: number, value: number): number;
  resolveSyscall(name: string): number;
  addRule(context: unknown, action: number, syscall: number, count: number, args: Buffer): number;
  exportBpf(context: unknown, fd: number): number;
}

/** Without it the runtime compiles its section itself. */
const loadLibrary = libraryLoader(
  'libseccomp.so.2',
  (library): Library => ({
    init: library.func('void *seccomp_init(uint32_t)'),
    release: library.func('void seccomp_release(void *)'),
    resolveArchitecture: library.func('uint32_t seccomp_arch_resolve_name(const char *)'),
    addArchitecture: library.func('int seccomp_arch_add(void *, uint32_t)'),
    setAttribute: library.func('int seccomp_attr_set(void *, int, uint32_t)'),
    resolveSyscall: library.func('int seccomp_syscall_resolve_name(const char *)'),
    addRule: library.func('int seccomp_rule_add_array(void *, uint32_t, int, unsigned int, const void *)'),
    exportBpf: library.func('int seccomp_export_bpf(void *, int)'),
  }),
);

/** An architecture that is there already (the native one) is answered with EEXIST, which is no fault. */
function addArchitectures(library: Library, context: unknown, names: readonly string[]): void {
  for (const name of names) {
    const token = library.resolveArchitecture(name.replace('SCMP_ARCH_', '').toLowerCase());
    if (token !== 0) library.addArchitecture(context, token);
  }
}

function addRules(library: Library, context: unknown, section: SeccompSection): void {
  const byDefault = action(section.defaultAction, section.defaultErrnoRet);
  for (const rule of section.syscalls ?? []) {
    const does = action(rule.action, rule.errnoRet);
    if (does === byDefault) continue;
    const args = comparisons(rule.args ?? []);
    for (const name of rule.names) {
      const number = library.resolveSyscall(name);
      if (number === UNKNOWN_SYSCALL) continue; // this libseccomp is older than the call
      const result = library.addRule(context, does, number, rule.args?.length ?? 0, args);
      if (result !== 0) throw new Error(`libseccomp refused the rule for ${name}: error ${-result}`);
    }
  }
}

/** An array of `struct scmp_arg_cmp` (seccomp_rule_add(3)). */
function comparisons(args: readonly { index: number; value: number; valueTwo?: number; op: string }[]): Buffer {
  const SIZE = 24;
  const buffer = Buffer.alloc(Math.max(1, args.length) * SIZE);
  for (const [at, { index, value, valueTwo, op }] of args.entries()) {
    buffer.writeUInt32LE(index, at * SIZE);
    buffer.writeInt32LE(operators[op] ?? 0, at * SIZE + 4);
    buffer.writeBigUInt64LE(BigInt(value), at * SIZE + 8);
    buffer.writeBigUInt64LE(BigInt(valueTwo ?? 0), at * SIZE + 16);
  }
  return buffer;
}

function exportProgram(library: Library, context: unknown): Buffer {
  const file = path.join(tmpdir(), `tug-seccomp-${randomBytes(8).toString('hex')}`);
  const fd = openSync(file, 'wx+', 0o600);
  try {
    unlinkSync(file);
    const result = library.exportBpf(context, fd);
    if (result !== 0) throw new Error(`libseccomp could not export the filter: error ${-result}`);
    return readFileSync(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}
