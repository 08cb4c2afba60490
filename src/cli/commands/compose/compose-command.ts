import type { OpenedProject } from '../../../compose/open-project.ts';
import type { ProjectChoice } from '../../../compose/project-files.ts';
import type { Project } from '../../../formats/compose-file/model.ts';
import type { ArgumentCount, Flag, Invocation, Session } from '../../command.ts';
import type { ParsedFlags } from '../../flags.ts';

/** What a command of `tug compose` works with besides the session. */
export interface ComposeContext {
  readonly choice: ProjectChoice;
  /** The options before the command. */
  readonly globals: ParsedFlags;
  /** Loads the files; warnings go to standard error. Loaded once. */
  open(options?: { interpolate?: boolean }): Promise<OpenedProject>;
  /** The project with the services whose profiles are on, and those named. */
  project(named?: readonly string[]): Promise<Project>;
  /** The project's name; its files are not needed where the name was given. */
  name(): Promise<string>;
}

/** A command of `tug compose`. */
export interface ComposeCommand {
  readonly name: string;
  readonly usage: string;
  readonly short: string;
  readonly flags: readonly Flag[];
  readonly args: ArgumentCount;
  readonly stopAtArgument?: boolean;
  /**
   * What the command would do, in words for a dry run: of one that does it in a single step, or has no dry run (throws).
   * The others run against an engine that only pretends.
   */
  readonly wouldDo?: (invocation: Invocation, session: Session, compose: ComposeContext) => Promise<readonly string[]>;
  readonly run: (invocation: Invocation, session: Session, compose: ComposeContext) => Promise<number>;
}
