import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Node as YamlNode,
} from 'yaml';
import { invalid } from '../../base/errors.ts';
import { type Entry, list, type MergeTag, mapOfEntries, type Node, type Place, scalar } from './node.ts';
import { parsePlainYaml } from './parse-plain.ts';
import { problem } from './problems.ts';

/** Larger files are no compose files; the library needs some microseconds for each byte. */
const maxBytes = 4 * 1024 * 1024;
/** Values after aliases have been written out. */
const maxNodes = 500_000;
const maxDepth = 200;

const coreTag = 'tag:yaml.org,2002:';

/**
 * Reads YAML 1.2 (with YAML 1.1's merge keys, as compose files use them) to a tree that knows its places. Several
 * documents of one file follow one another in the result. Bounded: aliases cost nothing until somebody writes them
 * out, and what they would come to is counted.
 * @param name the file, as it is to be called in messages.
 * @throws invalid naming file, line and column.
 */
export function parseYaml(text: string, name: string): Node[] {
  if (text.length > maxBytes)
    throw invalid(`${name}: the file has ${text.length} characters, a compose file at most ${maxBytes}`);
  const plain = parsePlainYaml(text, name);
  return plain ? [plain] : parseWithLibrary(text, name);
}

/** Reads all of YAML, at some 50 microseconds a line. */
export function parseWithLibrary(text: string, name: string): Node[] {
  const lines = new LineCounter();
  const documents = parseDocuments(text, name, lines);
  return documents.flatMap((document) => {
    const [error] = document.errors;
    const at = (offset: number): Place => {
      const { line, col } = lines.linePos(offset);
      return { file: name, line, column: col };
    };
    if (error) throw problem(at(error.pos[0]), `yaml: ${firstSentence(error.message)}`);
    return document.contents === null ? [] : [convert(document, at)];
  });
}

function parseDocuments(text: string, name: string, lineCounter: LineCounter): Document.Parsed[] {
  try {
    const parsed = parseAllDocuments(text, { lineCounter, merge: true, prettyErrors: false, strict: true });
    return 'empty' in parsed ? [] : (parsed as Document.Parsed[]);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid(`${name}: the file is nested too deeply`, { cause: error });
  }
}

/** The first line of the library's message; it reports a stack that has run out as a fault of the file. */
function firstSentence(message: string): string {
  if (message.includes('call stack')) return 'the file is nested too deeply';
  return message.split('\n')[0]!.replace(/:$/, '');
}

function convert(document: Document.Parsed, at: (offset: number) => Place): Node {
  const sizes = new Map<YamlNode, number>();
  const anchors = new Map<string, YamlNode>();
  const targets = new Map<YamlNode, YamlNode>();
  const made = new Map<YamlNode, Node>();
  const open = new Set<YamlNode>();
  const start: Place = at(0);
  let depth = 0;

  /** What stands for a node once its aliases are written out, and how many values that are. */
  const visit = (yaml: unknown, place: Place): Node => {
    if (isAlias(yaml)) {
      // the library's own way to resolve an alias reads the whole document again
      const target = anchors.get(yaml.source);
      const where = placeOf(yaml, place);
      if (!target) throw problem(where, `yaml: unknown alias "${yaml.source}"`);
      targets.set(yaml, target);
      return visit(target, where);
    }
    if (!isMap(yaml) && !isSeq(yaml) && !isScalar(yaml)) return scalar(place, null);
    const known = made.get(yaml);
    if (known) return known;
    if (open.has(yaml)) throw problem(placeOf(yaml, place), 'yaml: an anchor holds an alias of itself');
    if (yaml.anchor !== undefined) anchors.set(yaml.anchor, yaml);
    if (++depth > maxDepth) throw problem(placeOf(yaml, place), 'the file is nested too deeply');
    open.add(yaml);
    const node = build(yaml, placeOf(yaml, place));
    open.delete(yaml);
    depth--;
    made.set(yaml, node);
    sizes.set(yaml, sizeOf(yaml));
    return node;
  };

  const sizeOf = (yaml: unknown): number => {
    const resolved = isAlias(yaml) ? targets.get(yaml) : yaml;
    if (!isMap(resolved) && !isSeq(resolved)) return 1;
    const known = sizes.get(resolved);
    if (known !== undefined) return known;
    let size = 1;
    for (const item of resolved.items) size += sizeOf(isMap(resolved) ? (item as { value: unknown }).value : item);
    if (size > maxNodes)
      throw problem(placeOf(resolved, start), `the file's aliases come to more than ${maxNodes} values`);
    return size;
  };

  const placeOf = (yaml: YamlNode, otherwise: Place): Place => (yaml.range ? at(yaml.range[0]) : otherwise);

  const build = (yaml: YamlNode, place: Place): Node => {
    const tag = mergeTag(yaml.tag, place);
    if (isMap(yaml)) {
      const entries = new Map<string, Entry>();
      const merged: Node[] = [];
      for (const { key, value } of yaml.items) {
        const keyPlace = isScalar(key) ? placeOf(key, place) : place;
        if (!isScalar(key)) throw problem(keyPlace, 'yaml: a key has to be a text');
        const name = key.source ?? String(key.value);
        const child = visit(value, keyPlace);
        if (name === '<<' && key.type === 'PLAIN') merged.push(...mergedMaps(child, keyPlace));
        else entries.set(name, { place: keyPlace, value: child });
      }
      for (const source of merged)
        if (source.kind === 'map')
          for (const [name, entry] of source.entries) if (!entries.has(name)) entries.set(name, entry);
      return mapOfEntries(place, entries, tag);
    }
    if (isSeq(yaml))
      return list(
        place,
        yaml.items.map((item) => visit(item, place)),
        tag,
      );
    if (!isScalar(yaml)) return scalar(place, null, tag);
    const value = yaml.value;
    if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number' || value === null)
      return { kind: 'scalar', value, text: yaml.source ?? (value === null ? '' : String(value)), place, tag };
    return { kind: 'scalar', value: String(value), text: yaml.source ?? String(value), place, tag };
  };

  return visit(document.contents, start);
}

/** The maps of a merge key: one, or a list of them. */
function mergedMaps(node: Node, place: Place): Node[] {
  const maps = node.kind === 'list' ? [...node.items] : [node];
  for (const one of maps)
    if (one.kind !== 'map') throw problem(place, 'yaml: a merge key (<<) takes a map, or a list of maps');
  return maps;
}

function mergeTag(tag: string | undefined, place: Place): MergeTag | undefined {
  if (tag === undefined || tag === '!' || tag.startsWith(coreTag)) return undefined;
  if (tag === '!reset') return 'reset';
  if (tag === '!override') return 'override';
  throw problem(place, `yaml: unknown tag ${tag}, compose files have !reset and !override`);
}
