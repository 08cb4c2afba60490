import type { EventMessage } from '../api/types/event.ts';
import { invalid } from '../base/errors.ts';

export type EventFilter = (event: EventMessage) => boolean;
type Matcher = (event: EventMessage, value: string) => boolean;

/** An object's own kind of filter takes the beginning of its id or of its name. */
const byIdOrName: Matcher = ({ Actor }, value) =>
  Actor.ID.startsWith(value) || (Actor.Attributes['name'] ?? '').startsWith(value);

/**
 * The filters of `/events` and how each decides. Within a key one value must match, `label` excepted, where
 * all must; between keys all must. A key excludes events of other types too, unless they carry what it asks for.
 */
const matchers: Readonly<Record<string, Matcher>> = {
  type: ({ Type }, value) => Type === value,
  scope: ({ scope }, value) => scope === value,
  event: matchesAction,
  container: byIdOrName,
  daemon: byIdOrName,
  network: byIdOrName,
  volume: byIdOrName,
  plugin: byIdOrName,
  image: matchesImage,
  label: matchesLabel,
};

/** Kinds of objects that tug never has events of: filters for them are known and match nothing. */
const swarm = new Set(['config', 'node', 'secret', 'service']);

/** Makes a predicate of filters. @throws invalid `invalid filter 'x'` for a key that does not exist. */
export function createEventFilter(filters: Readonly<Record<string, readonly string[]>>): EventFilter {
  const conditions = Object.entries(filters).map(([key, values]): EventFilter => {
    if (swarm.has(key)) return (event) => values.length === 0 || values.some((value) => byIdOrName(event, value));
    const matcher = Object.hasOwn(matchers, key) ? matchers[key] : undefined;
    if (!matcher) throw invalid(`invalid filter '${key}'`);
    if (values.length === 0) return () => true;
    return key === 'label'
      ? (event) => values.every((value) => matcher(event, value))
      : (event) => values.some((value) => matcher(event, value));
  });
  return (event) => conditions.every((condition) => condition(event));
}

/** `exec_start`, `exec_create` and `health_status` stand for all their forms (`exec_start: sh -c ...`). */
function matchesAction({ Action }: EventMessage, value: string): boolean {
  if (Action === value) return true;
  return ['exec_create', 'exec_start', 'health_status'].includes(value) && Action.startsWith(`${value}:`);
}

/** An image's id or name, with or without its tag; for a container's event, that of its image. */
function matchesImage({ Type, Actor }: EventMessage, value: string): boolean {
  const name = Actor.Attributes[Type === 'image' ? 'name' : 'image'] ?? '';
  return [Actor.ID, name, withoutTag(Actor.ID), withoutTag(name)].includes(value);
}

function withoutTag(name: string): string {
  const bare = name.replace(/@.*$/, '');
  return bare.replace(/:[^:/]*$/, '');
}

function matchesLabel({ Actor }: EventMessage, value: string): boolean {
  const equals = value.indexOf('=');
  const key = equals < 0 ? value : value.slice(0, equals);
  if (!Object.hasOwn(Actor.Attributes, key)) return false;
  return equals < 0 || Actor.Attributes[key] === value.slice(equals + 1);
}
