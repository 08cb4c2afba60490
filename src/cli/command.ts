import type { ConfigFile } from '../client/config-file.ts';
import type { Engine } from '../client/engine.ts';
import type { ParsedFlags } from './flags.ts';
import type { Output } from './output/output.ts';

/** One option of a command. The help shows `value` as the option's type, and `defaultText` as its default. */
export interface Flag {
  readonly long: string;
  readonly short?: string;
  readonly kind: 'bool' | 'string' | 'int' | 'list';
  /** The type shown in the help; the kind's own name when absent. */
  readonly value?: string;
  readonly description: string;
  /** The value when the option is not given: text for string and int, `'true'` for a bool that is on. */
  readonly default?: string;
  /** Shown in the help as default, where it is not `default` itself. */
  readonly defaultText?: string;
  /** Judges one value while the line is read; what it throws is reported as `invalid argument`. */
  readonly check?: (text: string) => unknown;
  /** An old spelling, left out of the help; its values go to the option named here. */
  readonly aliasOf?: string;
}

/** How many arguments a command takes; `max` absent means any number. */
export interface ArgumentCount {
  readonly min: number;
  readonly max?: number;
}

export interface Command {
  /** Every way to call it, without the program's name; the first is the full one. */
  readonly paths: readonly string[];
  /** What stands after the path in the usage line: `[OPTIONS] IMAGE [COMMAND] [ARG...]`. */
  readonly usage: string;
  readonly short: string;
  readonly flags: readonly Flag[];
  readonly args: ArgumentCount;
  /** How many instead where an option has the command do something else; undefined for `args`. */
  readonly argsWith?: (flags: ParsedFlags) => ArgumentCount | undefined;
  /** True where options after the first argument belong to the container's command. */
  readonly stopAtArgument?: boolean;
  /** True where the engine is not asked, so that one that cannot be found is no fault. */
  readonly withoutEngine?: boolean;
  /** What the help has below the options. */
  readonly moreHelp?: () => Promise<string>;
  readonly run: (invocation: Invocation, session: Session) => Promise<number>;
}

export interface Invocation {
  readonly flags: ParsedFlags;
  readonly args: readonly string[];
}

/** What a command works with. */
export interface Session {
  /** The engine of the global options and the environment. Nothing is sent before a call is made. */
  readonly engine: Engine;
  readonly config: ConfigFile;
  /** The context that is chosen; `default` where the engine is named in another way. */
  readonly contextName: string;
  /** The folder of the configuration. */
  readonly configFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
}
