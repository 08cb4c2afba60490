import { type MapNode, map, mapOfEntries, type Node, scalar } from './node.ts';
import { boolean, isMap, mapOf, object, oneOf, type Shape, text } from './shape.ts';

const dependency = object(
  () => ({
    condition: oneOf('service_started', 'service_healthy', 'service_completed_successfully'),
    restart: boolean,
    required: boolean,
  }),
  { required: ['condition'] },
);

const dependencies = mapOf(dependency, { name: /^[a-zA-Z0-9._-]+$/ });

/** What a service needs: names, or names with conditions. */
export const dependsOn: Shape = (node, where, reading) => {
  const fields = (at: Node): [string, Node][] => [
    ['condition', scalar(at.place, 'service_started')],
    ['required', scalar(at.place, true)],
  ];
  if (node.kind === 'list')
    return map(
      node.place,
      node.items.flatMap((item, at) => {
        const name = text(item, `${where}[${at}]`, reading);
        return name.kind === 'scalar' && typeof name.value === 'string'
          ? [[name.value, map(item.place, fields(item))] as const]
          : [];
      }),
    );
  const read = dependencies(node, where, reading);
  if (!isMap(read)) return read;
  const entries = [...read.entries].map(([name, entry]) => {
    const { value } = entry;
    const full = isMap(value) && !value.entries.has('required') ? withRequired(value) : value;
    return [name, { ...entry, value: full }] as const;
  });
  return mapOfEntries(read.place, new Map(entries));
};

const withRequired = (node: MapNode): MapNode => ({
  ...node,
  entries: new Map([...node.entries, ['required', { place: node.place, value: scalar(node.place, true) }]]),
});
