/** The instructions of the Dockerfile language. */
export const instructionNames = [
  'ADD',
  'ARG',
  'CMD',
  'COPY',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'FROM',
  'HEALTHCHECK',
  'LABEL',
  'MAINTAINER',
  'ONBUILD',
  'RUN',
  'SHELL',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
] as const;
export type InstructionName = (typeof instructionNames)[number];

/** Lines of the file, counted from 1, both included. */
export interface LineRange {
  readonly first: number;
  readonly last: number;
}

/** A text given inside the Dockerfile: `<<EOF`, `<<-EOF` (leading tabs taken off), `<<"EOF"` (nothing expanded). */
export interface Heredoc {
  readonly name: string;
  /** What lies between the markers, with its last newline; tabs already taken off. Variables are not yet expanded. */
  readonly content: string;
  readonly expand: boolean;
  readonly chomp: boolean;
  readonly fileDescriptor: number;
}

/** A `--name` or `--name=value` as written, without quotes taken off or variables expanded. */
export interface Flag {
  readonly name: string;
  readonly value?: string;
}

/** One instruction as it stands in the file, before its arguments are understood. */
export interface Statement {
  readonly name: InstructionName;
  /** The keyword as written: `From`. */
  readonly keyword: string;
  readonly flags: readonly Flag[];
  /** What follows the flags, continuation lines joined. Heredocs are not in it, their markers are. */
  readonly text: string;
  /** The elements, when the arguments are a JSON array of strings. */
  readonly json?: readonly string[];
  readonly heredocs: readonly Heredoc[];
  readonly lines: LineRange;
  /** The text of these lines, with continuations and heredocs, joined by `\n`. */
  readonly original: string;
  /** The instruction on one line, for messages and the image's history: continuations joined, heredocs left out. */
  readonly display: string;
  /** The comment lines right above, without `#`. */
  readonly comments: readonly string[];
}

/** What `RUN`, `CMD` and `ENTRYPOINT` execute. Never expanded by the builder: the shell does it. */
export type Command =
  /** To be given to the stage's SHELL. */
  { readonly form: 'shell'; readonly text: string } | { readonly form: 'exec'; readonly args: readonly string[] };

/** A key and a value as written: quotes, escapes and variables are for `expandWord`. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

interface Base<Name extends InstructionName> {
  readonly name: Name;
  readonly statement: Statement;
}

export interface FromInstruction extends Base<'FROM'> {
  /** As written; expands with the global ARGs. `scratch` is the empty image. */
  readonly image: string;
  /** As written; expands as `image`. */
  readonly platform?: string;
  /** In lower case, never empty. */
  readonly stageName?: string;
}

export interface ArgInstruction extends Base<'ARG'> {
  /** Values as written, absent where there is no `=`. */
  readonly args: readonly { readonly key: string; readonly value?: string; readonly comment?: string }[];
}

export interface EnvInstruction extends Base<'ENV'> {
  readonly pairs: readonly KeyValue[];
  /** The old `ENV key value`. */
  readonly legacy: boolean;
}

export interface LabelInstruction extends Base<'LABEL'> {
  readonly pairs: readonly KeyValue[];
  readonly legacy: boolean;
}

export interface RunInstruction extends Base<'RUN'> {
  /**
   * With heredocs, what runs is: the heredoc itself when `text` is its marker alone (as a script of the interpreter
   * of its `#!` line, or else as the shell's command); otherwise `text`, followed by the heredocs, for the shell.
   * `runScript` decides it.
   */
  readonly command: Command;
  /** Each `--mount` as written; `parseRunMount` reads it once variables can be expanded. */
  readonly mounts: readonly string[];
  readonly network: 'default' | 'none' | 'host';
  readonly security: 'sandbox' | 'insecure';
}

export interface CommandInstruction<Name extends 'CMD' | 'ENTRYPOINT'> extends Base<Name> {
  /** An empty array of arguments resets what the base image has. */
  readonly command: Command;
}

export interface ShellInstruction extends Base<'SHELL'> {
  readonly args: readonly string[];
}

/** Files of COPY and ADD. All words as written, to be expanded. */
export interface CopySources {
  /** Paths, patterns; for ADD also URLs and git references. */
  readonly paths: readonly string[];
  /** Files given in the Dockerfile: each becomes a file of that name in the destination. */
  readonly heredocs: readonly Heredoc[];
  readonly destination: string;
}

interface CopyFlags {
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
}

export interface CopyInstruction extends Base<'COPY'>, CopyFlags {
  readonly sources: CopySources;
  /** A stage's name or number, a named context or an image; as written. */
  readonly from?: string;
}

export interface AddInstruction extends Base<'ADD'>, CopyFlags {
  readonly sources: CopySources;
  readonly checksum?: string;
  readonly keepGitDir?: boolean;
  /** Whether archives are unpacked. Unset: local ones are, those of a URL are not. */
  readonly unpack?: boolean;
}

export interface ExposeInstruction extends Base<'EXPOSE'> {
  /** As written: `80`, `8000-8010/udp`, `$PORT`. */
  readonly ports: readonly string[];
}

export interface UserInstruction extends Base<'USER'> {
  readonly user: string;
}

export interface WorkdirInstruction extends Base<'WORKDIR'> {
  readonly path: string;
}

export interface VolumeInstruction extends Base<'VOLUME'> {
  readonly paths: readonly string[];
}

export interface StopsignalInstruction extends Base<'STOPSIGNAL'> {
  readonly signal: string;
}

export interface MaintainerInstruction extends Base<'MAINTAINER'> {
  readonly maintainer: string;
}

export interface HealthcheckInstruction extends Base<'HEALTHCHECK'> {
  /** As in the image's configuration: `['NONE']`, `['CMD', ...]`, `['CMD-SHELL', text]`. */
  readonly test: readonly string[];
  /** Nanoseconds; absent where not given. */
  readonly interval?: number;
  readonly timeout?: number;
  readonly startPeriod?: number;
  readonly startInterval?: number;
  readonly retries?: number;
}

export interface OnbuildInstruction extends Base<'ONBUILD'> {
  /** The trigger as the image's configuration keeps it. */
  readonly expression: string;
}

export type Instruction =
  | AddInstruction
  | ArgInstruction
  | CommandInstruction<'CMD'>
  | CommandInstruction<'ENTRYPOINT'>
  | CopyInstruction
  | EnvInstruction
  | ExposeInstruction
  | FromInstruction
  | HealthcheckInstruction
  | LabelInstruction
  | MaintainerInstruction
  | OnbuildInstruction
  | RunInstruction
  | ShellInstruction
  | StopsignalInstruction
  | UserInstruction
  | VolumeInstruction
  | WorkdirInstruction;

/** A FROM and what follows it. */
export interface Stage {
  readonly index: number;
  /** In lower case. */
  readonly name?: string;
  readonly from: FromInstruction;
  readonly instructions: readonly Exclude<Instruction, FromInstruction>[];
  readonly lines: LineRange;
}

/** `# syntax=`, `# escape=` and `# check=` at the head of the file. */
export interface Directives {
  readonly syntax?: string;
  readonly escape: '\\' | '`';
  readonly check?: string;
}

/** Something worth telling that stops nothing. */
export interface Warning {
  /** Docker's rule name, such as `NoEmptyContinuation`. */
  readonly rule: string;
  readonly message: string;
  readonly lines: LineRange;
}

/** A Dockerfile, understood. */
export interface Dockerfile {
  /** As messages name it. */
  readonly fileName: string;
  readonly directives: Directives;
  /** The ARGs before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[];
  /** At least one. */
  readonly stages: readonly Stage[];
  /** What the parser noticed; `lintDockerfile` finds more. */
  readonly warnings: readonly Warning[];
  readonly lines: readonly string[];
}

/** The keys of `RUN --mount`. */
export interface RunMount {
  readonly type: 'bind' | 'cache' | 'tmpfs' | 'secret' | 'ssh';
  /** For bind and cache: a stage, a named context or an image. Absent: the build context (bind), nothing (cache). */
  readonly from?: string;
  readonly source?: string;
  readonly target?: string;
  readonly readonly: boolean;
  /** tmpfs, bytes. */
  readonly size?: number;
  /** cache, secret, ssh. */
  readonly id?: string;
  readonly sharing?: 'shared' | 'private' | 'locked';
  /** secret, ssh: fails without it. */
  readonly required: boolean;
  /** secret: the variable that holds it. */
  readonly env?: string;
  /** As given; octal. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}
