import * as path from 'node:path';
import type { ServiceModel } from './model.ts';
import { map, type Node, scalar } from './node.ts';
import { boolean, listOrMap, mapOf, object, type Shape, text, texts, wrong } from './shape.ts';
import { bytes, environment, extraHosts, labels, resolvePath, ulimit } from './values.ts';
import { mountedFiles } from './volume-shape.ts';

const anyName = /^.+$/;

const isUrl = (given: string): boolean => /^[a-z][a-z0-9+.-]*:\/\/|^git@|^github\.com\//.test(given);

const contextPath: Shape = (node, where, reading) => {
  const given = text(node, where, reading);
  if (given.kind !== 'scalar' || typeof given.value !== 'string' || isUrl(given.value)) return given;
  return scalar(node.place, resolvePath(given.value, reading));
};

/** Folders of the host are made absolute; addresses, images and services stay as they are. */
const namedContexts: Shape = (node, where, reading) => {
  const given = listOrMap(() => '')(node, where, reading);
  if (given.kind !== 'map') return given;
  const resolved = (value: Node): Node =>
    value.kind === 'scalar' && !isUrl(value.text) && !value.text.startsWith('service:')
      ? scalar(value.place, resolvePath(value.text, reading))
      : value;
  return map(
    given.place,
    [...given.entries].map(([name, { value }]) => [name, resolved(value)]),
  );
};

const longBuild = object(() => ({
  context: contextPath,
  dockerfile: text,
  dockerfile_inline: text,
  entitlements: texts,
  args: environment,
  ssh: listOrMap(() => ''),
  labels,
  cache_from: texts,
  cache_to: texts,
  no_cache: boolean,
  additional_contexts: namedContexts,
  network: text,
  provenance: textOrNumberOrBoolean,
  sbom: textOrNumberOrBoolean,
  pull: boolean,
  target: text,
  shm_size: bytes,
  extra_hosts: extraHosts,
  isolation: text,
  privileged: boolean,
  secrets: mountedFiles,
  tags: texts,
  ulimits: mapOf(ulimit, { name: anyName }),
  platforms: texts,
}));

const textOrNumberOrBoolean: Shape = (node, where, reading) =>
  node.kind === 'scalar' ? scalar(node.place, node.text) : wrong(node, where, reading, 'a string or a boolean');

/** How a service's image is built: a folder, or the long form. */
export const build: Shape = (node, where, reading) => {
  const long = node.kind === 'scalar' ? map(node.place, [['context', node]]) : node;
  return longBuild(long, where, reading);
};

/** The services whose images a build begins from: `additional_contexts: {base: "service:base"}`. */
export const buildBases = ({ build }: ServiceModel): string[] =>
  Object.values(build?.additional_contexts ?? {}).flatMap((value) =>
    value.startsWith('service:') ? [value.slice('service:'.length)] : [],
  );

/** The Dockerfile of a build, absolute where it is a file of the context. */
export const dockerfilePath = (context: string, dockerfile: string): string =>
  isUrl(context) ? dockerfile : path.resolve(context, dockerfile);
