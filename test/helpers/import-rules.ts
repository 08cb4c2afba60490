import * as path from 'node:path';

/** One import or re-export in a source file. */
export interface Import {
  /** The file it leads to, relative to the project, or undefined for a package or Node module. */
  readonly target: string | undefined;
  readonly specifier: string;
  /** Erased at run time: `import type`, `export type`, or only `type` names in braces. */
  readonly typeOnly: boolean;
  /** `import(...)`: loaded when needed. */
  readonly dynamic: boolean;
}

/** Project-relative file name to its text. */
export type Sources = ReadonlyMap<string, string>;

/** The folders of src, highest first: a file imports from its own folder and from those that follow. */
export const layers = [
  ['cli'],
  ['compose'],
  ['client'],
  ['daemon'],
  ['registry-server'],
  ['builder'],
  ['containers'],
  ['images'],
  ['networks'],
  ['volumes'],
  ['logs'],
  ['runtime'],
  ['events'],
  ['registry-client'],
  ['host'],
  ['formats'],
  ['api'],
  ['base'],
].flat();

const domains = new Set(['images', 'networks', 'volumes', 'logs', 'runtime', 'events']);
const clientSide: Readonly<Record<string, readonly string[]>> = {
  cli: ['cli', 'compose', 'client', 'api', 'formats', 'base'],
  compose: ['compose', 'client', 'api', 'formats', 'base'],
  client: ['client', 'api', 'formats', 'base'],
};

/** Every violation of the layout in these files, as a sentence that names file, import and rule; sorted. */
export function checkImports(sources: Sources): string[] {
  const violations: string[] = [];
  for (const [file, text] of sources) {
    for (const imported of parseImports(file, text)) {
      if (imported.target === undefined) continue;
      const problem = problemOf(file, { ...imported, target: imported.target });
      if (problem !== undefined) violations.push(`${file} imports ${imported.target}: ${problem}`);
    }
  }
  return [...violations, ...findCycles(sources)].sort();
}

function problemOf(file: string, imported: Import & { target: string }): string | undefined {
  const { target, typeOnly } = imported;
  const from = layerOf(file);
  const to = layerOf(target);
  if (from === undefined) return undefined; // bin, scripts, test, bench import what they drive
  if (to === undefined) return `src imports nothing from outside src`;
  if (!layers.includes(from)) return `the layout knows no folder "src/${from}"`;
  if (!layers.includes(to)) return `the layout knows no folder "src/${to}"`;
  if (isTest(file)) return undefined;
  if (isTest(target)) return 'only tests import tests';
  const allowed = clientSide[from];
  if (allowed !== undefined && !allowed.includes(to)) return `${from} imports only ${allowed.slice(1).join(', ')}`;
  const meet = from !== to && domains.has(from) && domains.has(to); // siblings: a contract may be met from either side
  if (meet && !typeOnly && path.basename(target) !== 'contract.ts')
    return 'domains meet only through a contract.ts or types';
  if (!meet && layers.indexOf(to) < layers.indexOf(from)) return `imports go only downward, ${from} lies below ${to}`;
  const drivers = driversFolder(target);
  const tables = ['src/daemon/builtins.ts', 'src/registry-server/builtins.ts'];
  if (drivers !== undefined && !tables.includes(file) && driversFolder(file) !== drivers)
    return 'only daemon/builtins.ts imports drivers';
  return undefined;
}

/** `images` for `src/images/pull.ts`; undefined outside src. */
const layerOf = (file: string): string | undefined => /^src\/([^/]+)\//.exec(file)?.[1];

/** `src/logs/drivers` for a file below it. */
const driversFolder = (file: string): string | undefined => /^(.*\/drivers)\//.exec(file)?.[1];

const isTest = (file: string): boolean => /\.test\.ts$|contract-suite\.ts$/.test(file);

/** The imports and re-exports of a file, found by their syntax at the start of a line. */
export function parseImports(file: string, text: string): Import[] {
  const found: Import[] = [];
  const code = withoutTexts(text);
  const add = (specifier: string, typeOnly: boolean, dynamic: boolean): void => {
    const target = specifier.startsWith('.') ? path.posix.join(path.posix.dirname(file), specifier) : undefined;
    found.push({ target, specifier, typeOnly, dynamic });
  };
  for (const match of code.matchAll(/^(?:import|export)\b([^'";]*?)\bfrom\s*'([^']+)'/gm)) {
    add(match[2] ?? '', isTypeClause(match[1] ?? ''), false);
  }
  for (const match of code.matchAll(/^import\s*'([^']+)'/gm)) add(match[1] ?? '', false, false);
  for (const match of code.matchAll(/\bimport\(\s*'([^']+)'\s*\)(?!\.)/g)) add(match[1] ?? '', false, true);
  return found;
}

/** True for `type { A }`, `type * as a`, and for braces in which every name is marked `type`. */
function isTypeClause(clause: string): boolean {
  const trimmed = clause.trim();
  if (/^type\b/.test(trimmed)) return true;
  const braces = /^\{([^}]*)\}$/.exec(trimmed)?.[1];
  if (braces === undefined) return false;
  const names = braces.split(',').map((name) => name.trim());
  return names.filter(Boolean).every((name) => name.startsWith('type '));
}

/** Loops of imports that exist at run time and at load time, each named once, starting at its first file by name. */
function findCycles(sources: Sources): string[] {
  const edges = new Map<string, string[]>();
  for (const [file, text] of sources) {
    const loaded = parseImports(file, text).filter(({ typeOnly, dynamic }) => !typeOnly && !dynamic);
    edges.set(
      file,
      loaded.map(({ target }) => target).filter((target) => target !== undefined),
    );
  }
  const cycles = new Set<string>();
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start >= 0) {
      const loop = trail.slice(start);
      const first = loop.indexOf([...loop].sort()[0] ?? '');
      const turned = [...loop.slice(first), ...loop.slice(0, first)];
      cycles.add(`import cycle: ${[...turned, turned[0]].join(' -> ')}`);
      return;
    }
    if (done.has(file)) return;
    for (const target of edges.get(file) ?? []) visit(target, [...trail, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return [...cycles];
}

/** Statements at the top level of a module that do something when it is imported, as `file:line: text`. */
export function findTopLevelEffects(sources: Sources): string[] {
  const harmless = /^(?:import|export|const|let|function|async function|class|abstract class|interface|type|declare)\b/;
  const violations: string[] = [];
  for (const [file, text] of sources) {
    if (isTest(file) || /worker\.ts$/.test(file) || layerOf(file) === undefined) continue;
    withoutTexts(text)
      .split('\n')
      .forEach((line, index) => {
        const effect = /^[A-Za-z_$]/.test(line) && !harmless.test(line);
        const waits = /^(?:export )?(?:const|let) [^=]*= await\b/.test(line);
        if (effect || waits) violations.push(`${file}:${index + 1}: importing it runs "${line.trim()}"`);
      });
  }
  return violations;
}

/** The text with comments and the insides of template literals blanked; line breaks stay where they are. */
export function withoutTexts(text: string): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*(?=\s*[.,;)\]:]|\s*$)|`(?:\\[\s\S]|[^`\\])*`/gm;
  return text.replace(token, (found) => (/^[/`]/.test(found) ? found.replace(/[^\n]/g, ' ') : found));
}
