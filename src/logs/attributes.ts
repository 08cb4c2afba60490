import { invalid, messageOf } from '../base/errors.ts';
import { execute, parseTemplate } from '../formats/go-template/template.ts';
import type { LoggedContainer } from './contract.ts';

type Options = Readonly<Record<string, string>>;

/** The options that choose attributes, of every driver that takes them. */
export const attributeOptions = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];

/** @throws invalid for a regular expression or template that is none. */
export function checkAttributes(options: Options): void {
  for (const name of ['labels-regex', 'env-regex']) pattern(options[name]);
  if (options['tag']) parseTag(options['tag']);
}

/** What the options `labels`, `labels-regex`, `env` and `env-regex` choose of a container's labels and environment. */
export function extraAttributes({ options, labels, env }: LoggedContainer): Record<string, string> {
  const variables = env.map((entry) => {
    const equals = entry.indexOf('=');
    return equals < 0 ? ([entry, ''] as const) : ([entry.slice(0, equals), entry.slice(equals + 1)] as const);
  });
  return Object.fromEntries([
    ...chosen(Object.entries(labels), options['labels'], options['labels-regex']),
    ...chosen(variables, options['env'], options['env-regex']),
  ]);
}

function chosen(entries: readonly (readonly [string, string])[], names: string | undefined, regex: string | undefined) {
  const wanted = new Set(names?.split(',') ?? []);
  const matcher = pattern(regex);
  return entries.filter(([name]) => wanted.has(name) || matcher?.test(name));
}

function pattern(text: string | undefined): RegExp | undefined {
  if (!text) return undefined;
  try {
    return new RegExp(text);
  } catch (error) {
    throw invalid(`error parsing regexp: ${messageOf(error)}`, { cause: error });
  }
}

/** The option `tag`, a Go template over what Docker offers, or `preset` where it is not given. */
export function tagOf(container: LoggedContainer, preset: string): string {
  const text = container.options['tag'] || preset;
  if (text === '') return '';
  const image = container.imageId.replace(/^sha256:/, '');
  return execute(parseTag(text), {
    ID: container.id.slice(0, 12),
    FullID: container.id,
    Name: container.name,
    ImageID: image.slice(0, 12),
    ImageFullID: container.imageId,
    ImageName: container.imageName,
    DaemonName: 'tug',
    Command: container.command.join(' '),
  });
}

const parseTag = (text: string) => parseTemplate(text, {}, 'log-tag');
