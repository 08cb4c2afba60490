import type { ImageHistory, ImageRunConfig, Platform } from '../api/oci/image.ts';
import { type Expansion, expandWord, type Variables } from '../formats/dockerfile/expand-word.ts';

/** What a stage is after some of its instructions. Never changed: an instruction makes a new one. */
export interface StageState {
  /** Chain-ids, bottom first. */
  readonly layers: readonly string[];
  /** How many of them are of what FROM names. */
  readonly base: number;
  readonly config: ImageRunConfig;
  readonly platform: Platform;
  readonly osVersion: string | undefined;
  /** Entries without a time get the image's. */
  readonly history: readonly ImageHistory[];
  readonly author: string | undefined;
  /** The values of the ARGs so far; undefined for one without a value. */
  readonly args: ReadonlyMap<string, string | undefined>;
  /** Instructions of the base image to be carried out first. */
  readonly onBuild: readonly string[];
  /** True when this stage said CMD: an ENTRYPOINT before that takes the base's away. */
  readonly hasOwnCommand: boolean;
  /** The escape character of the Dockerfile. */
  readonly escape: '\\' | '`';
  /** Digest of the step that made it. */
  readonly vertex: string;
}

/** The value of a variable of an `Env` list. */
export function environmentOf({ config }: Pick<StageState, 'config'>): Map<string, string> {
  return new Map(
    (config.Env ?? []).map((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

/** What can be named in instructions: ARGs, and ENVs, which hide them. */
export function variablesOf(state: StageState): Variables {
  const args = [...state.args].filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new Map([...args, ...environmentOf(state)]);
}

/** The ARGs that a command gets in its environment, in the order of their declaration. */
export function argumentsOf(state: StageState): [string, string][] {
  const environment = environmentOf(state);
  return [...state.args].filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !environment.has(entry[0]),
  );
}

/** An entry of the image's history for an instruction that makes no layer. */
export const emptyHistory = (createdBy: string): ImageHistory => ({
  created_by: createdBy,
  comment: historyComment,
  empty_layer: true,
});

/** What makes tools know how the entries are to be read. */
export const historyComment = 'buildkit.dockerfile.v0';

/** The state with an instruction that changes the configuration alone. */
export const configured = (state: StageState, config: Partial<ImageRunConfig>, createdBy: string): StageState => ({
  ...state,
  config: { ...state.config, ...config },
  history: [...state.history, emptyHistory(createdBy)],
});

/** Expands words of an instruction with what can be named in it. */
export function expander(state: StageState): (text: string) => Expansion {
  const variables = variablesOf(state);
  return (text) => expandWord(text, variables, { escape: state.escape });
}
