import * as path from 'node:path';
import { checkTree, type FileContext } from './check-file.ts';
import { mergeTrees } from './merge.ts';
import { type Entry, getNode, getText, type MapNode, type Node, withKeys } from './node.ts';
import { fromOldFormat } from './old-format.ts';
import { parseYaml } from './parse.ts';
import { didYouMean, problem } from './problems.ts';

/**
 * A file's tree in which every service has what it extends. Files of other folders mean their relative paths from
 * there. @throws invalid for a service or file that is not there, or that extends itself.
 */
export function expandServices(tree: Node, file: string, context: FileContext): Node {
  const services = getNode(tree, 'services');
  if (tree.kind !== 'map' || services?.kind !== 'map') return tree;
  if (![...services.entries.values()].some(({ value }) => getNode(value, 'extends'))) return tree;
  const expand = createExpander(file, services, context);
  const entries = new Map<string, Entry>();
  for (const [name, entry] of services.entries)
    entries.set(name, { ...entry, value: expand(entry.value, name, file, []) });
  return withKeys(tree, { services: { ...services, entries } });
}

/** @param first the file that is being read: it means its paths from the project's folder, others from their own. */
function createExpander(first: string, firstServices: MapNode, context: FileContext) {
  const known = new Map([[first, firstServices]]);

  const servicesOf = (file: string, place: Node['place']): MapNode => {
    const before = known.get(file);
    if (before) return before;
    const [tree] = parseYaml(context.access.read(file), context.access.show(file)).map(fromOldFormat);
    if (!tree) throw problem(place, `${context.access.show(file)} is empty`);
    const services = getNode(checkTree(tree, { ...context, folder: path.dirname(file), warn: () => {} }), 'services');
    if (services?.kind !== 'map') throw problem(place, `${context.access.show(file)} has no services`);
    known.set(file, services);
    return services;
  };

  const expand = (service: Node, name: string, file: string, trail: readonly string[]): Node => {
    const from = getNode(service, 'extends');
    if (service.kind !== 'map' || !from || from.tag === 'reset') return service;
    const step = `${file}#${name}`;
    if (trail.includes(step)) throw problem(from.place, `services.${name}: circular reference in extends`);
    const given = getText(from, 'file');
    const baseFile =
      given === undefined ? file : path.resolve(file === first ? context.folder : path.dirname(file), given);
    const baseName = getText(from, 'service') ?? name;
    const services = servicesOf(baseFile, from.place);
    const base = services.entries.get(baseName)?.value;
    if (!base) {
      const where = given === undefined ? '' : ` in ${context.access.show(baseFile)}`;
      throw problem(
        from.place,
        `cannot extend service "${name}"${where}: service "${baseName}" not found${didYouMean(baseName, services.entries.keys())}`,
      );
    }
    const whole = expand(base, baseName, baseFile, [...trail, step]);
    return mergeTrees(whole, withKeys(service, { extends: undefined }), ['services', name]);
  };

  return expand;
}
