import type { ArgInstruction, EnvInstruction } from '../../formats/dockerfile/types.ts';
import type { Scope } from '../build-context.ts';
import { configured, emptyHistory, expander, type StageState } from '../state.ts';

/** ENV: all values are expanded before any of them counts. */
export function env(state: StageState, { pairs }: EnvInstruction): StageState {
  const expand = expander(state);
  const expanded = pairs.map(({ key, value }) => [expand(key).text, expand(value).text] as const);
  const list = [...(state.config.Env ?? [])];
  for (const [key, value] of expanded) {
    const at = list.findIndex((entry) => entry.startsWith(`${key}=`));
    if (at < 0) list.push(`${key}=${value}`);
    else list[at] = `${key}=${value}`;
  }
  return configured(state, { Env: list }, `ENV ${expanded.map(([key, value]) => `${key}=${value}`).join(' ')}`);
}

/** ARG: the request's value, else the default, else the one from before the first FROM. */
export function arg(state: StageState, { args }: ArgInstruction, { build, globals }: Scope): StageState {
  const values = new Map(state.args);
  const words: string[] = [];
  for (const { key, value } of args) {
    const expand = expander({ ...state, args: values });
    const given = Object.hasOwn(build.request.buildArgs, key);
    const fallback = value === undefined ? globals.get(key) : expand(value).text;
    const chosen = given ? build.request.buildArgs[key] : fallback;
    values.set(key, chosen);
    words.push(chosen === undefined ? key : `${key}=${chosen}`);
  }
  return { ...state, args: values, history: [...state.history, emptyHistory(`ARG ${words.join(' ')}`)] };
}
