import type { ImageSummary } from '../api/types/image.ts';
import { invalid } from '../base/errors.ts';
import { familiarName, formatFamiliar, parseReference } from '../formats/reference.ts';
import { parseTimestamp } from '../formats/timestamp.ts';
import type { Image, ImageListOptions } from './contract.ts';
import { globToRegExp } from './glob.ts';
import { resolveImage } from './resolve.ts';
import type { ImageState } from './store.ts';

type Predicate = (image: Image) => boolean;
type FilterMaker = (values: readonly string[], state: ImageState) => Predicate;

/** Docker's filters. All keys must agree; how several values of a key combine is the filter's own affair. */
const filters: Readonly<Record<string, FilterMaker>> = {
  dangling: (values) => {
    const wanted = values.map((value) => parseBoolean('dangling', value));
    return (image) => wanted.every((dangling) => dangling === (image.tags.length === 0));
  },
  label: (values) => (image) => values.every((value) => hasLabel(image, value)),
  'label!': (values) => (image) => !values.some((value) => hasLabel(image, value)),
  before: (values, state) => {
    const times = values.map((value) => createdTime(resolveImage(state, value)));
    return (image) => times.every((time) => createdTime(image) < time);
  },
  since: (values, state) => {
    const times = values.map((value) => createdTime(resolveImage(state, value)));
    return (image) => times.every((time) => createdTime(image) > time);
  },
  until: (values) => {
    const now = BigInt(Date.now()) * 1_000_000n;
    const times = values.map((value) => Number(parseTimestamp(value, { now }) / 1_000_000n));
    return (image) => times.every((time) => createdTime(image) <= time);
  },
  reference: (values) => {
    const matches = referenceMatcher(values);
    return (image) => [...image.tags, ...image.digests].some(matches);
  },
};

/**
 * What `GET /images/json` answers, newest first. `all` changes nothing: tug keeps no intermediate images.
 * @throws invalid `invalid filter 'x'`, not-found for an image that a filter names.
 */
export function listImages(state: ImageState, options: ImageListOptions): ImageSummary[] {
  const matches = imagePredicate(state, options.filters, Object.keys(filters));
  const named = options.filters['reference'];
  const shows = named && named.length > 0 ? referenceMatcher(named) : () => true;
  return state
    .ids()
    .map((id) => state.get(id))
    .filter((image) => image !== undefined)
    .filter(matches)
    .sort((a, b) => createdTime(b) - createdTime(a) || (a.id < b.id ? -1 : 1))
    .map((image) => summarise(image, shows));
}

/** What filters ask for, of the `known` ones. @throws invalid `invalid filter 'x'`, not-found for an image that one names. */
export function imagePredicate(
  state: ImageState,
  given: ImageListOptions['filters'],
  known: readonly string[],
): Predicate {
  const predicates = Object.entries(given).map(([key, values]) => {
    const make = known.includes(key) ? filters[key] : undefined;
    if (!make) throw invalid(`invalid filter '${key}'`);
    return make(values, state);
  });
  return (image) => predicates.every((predicate) => predicate(image));
}

/** An image as a list shows it, under the names that `shows` says yes to. */
export function summarise(image: Image, shows: (name: string) => boolean = () => true): ImageSummary {
  return {
    Id: image.id,
    ParentId: '',
    RepoTags: image.tags.filter(shows),
    RepoDigests: image.digests.filter(shows),
    Created: Math.floor(createdTime(image) / 1000),
    Size: image.size,
    SharedSize: -1,
    Labels: image.config.config?.Labels ?? null,
    Containers: -1,
  };
}

/** Milliseconds since 1970; 0 for an image that does not say. */
function createdTime(image: Image): number {
  const time = Date.parse(image.config.created ?? '');
  return Number.isNaN(time) ? 0 : time;
}

function hasLabel(image: Image, text: string): boolean {
  const labels = image.config.config?.Labels ?? {};
  const equals = text.indexOf('=');
  const key = equals < 0 ? text : text.slice(0, equals);
  return Object.hasOwn(labels, key) && (equals < 0 || labels[key] === text.slice(equals + 1));
}

/** Patterns match the name as users see it, with or without its tag. */
function referenceMatcher(patterns: readonly string[]): (name: string) => boolean {
  const expressions = patterns.map((pattern) => globToRegExp(pattern));
  return (name) => {
    const reference = parseReference(name);
    const forms = [formatFamiliar(reference), familiarName(reference)];
    return expressions.some((expression) => forms.some((form) => expression.test(form)));
  };
}

/** A filter's value as true or false. @throws invalid. */
export function parseBoolean(key: string, value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw invalid(`invalid filter '${key}=[${value}]'`);
}
