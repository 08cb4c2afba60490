import { runTemplates } from './evaluate.ts';
import { type TemplateFunction, templateFunctions } from './functions.ts';
import { type ParsedTemplates, parseTemplates } from './parser.ts';
import type { Value } from './values.ts';

/** A parsed Go template, to be executed any number of times. */
export interface Template {
  readonly name: string;
  readonly text: string;
  readonly templates: ParsedTemplates;
  readonly functions: ReadonlyMap<string, TemplateFunction>;
}

export interface ExecuteOptions {
  /** What error messages call the type of a plain object, such as `*formatter.ContainerContext`. */
  readonly typeName?: string;
  /** Names of fields whose objects are maps (`Labels`), so that a key they lack is no error and prints `<no value>`. */
  readonly maps?: ReadonlySet<string>;
  /** `error` makes a key that a map lacks an error, `map has no entry for key "x"`. */
  readonly missingKey?: 'default' | 'error';
}

/**
 * Parses a template in the language of Go's text/template, with the functions that Docker adds: `json`, `split`,
 * `join`, `title`, `lower`, `upper`, `pad`, `truncate`. `functions` adds to them or replaces them.
 * @throws invalid `template-parse`, such as `template: :1: unclosed action`.
 */
export function parseTemplate(
  text: string,
  functions: Readonly<Record<string, TemplateFunction>> = {},
  name = '',
): Template {
  const known = new Map([...templateFunctions, ...Object.entries(functions)]);
  const hasFunction = (wanted: string) => known.has(wanted) || wanted === 'and' || wanted === 'or';
  return { name, text, templates: parseTemplates(name, text, hasFunction), functions: known };
}

/**
 * Executes a template on data: plain objects stand for structs, `Map`s for maps, functions for methods.
 * @throws invalid `template-execute`, such as
 * `template: :1:2: executing "" at <.Foo>: can't evaluate field Foo in type struct`.
 */
export function execute(template: Template, data: unknown, options: ExecuteOptions = {}): string {
  const { name, text, templates, functions } = template;
  const evaluation = {
    source: { name, text },
    executing: name,
    functions,
    structName: options.typeName ?? 'struct',
    maps: options.maps ?? new Set<string>(),
    missingKey: options.missingKey ?? 'default',
    variables: [],
  };
  return runTemplates(templates, name, evaluation, data as Value);
}
