import { writeFileSync } from 'node:fs';
import { invalid } from '../../../base/errors.ts';
import { serviceHash } from '../../../compose/config-hash.ts';
import { printable } from '../../../formats/compose-file/key-order.ts';
import type { Project } from '../../../formats/compose-file/model.ts';
import { type Plain, toPlain } from '../../../formats/compose-file/node.ts';
import { printYaml } from '../../../formats/compose-file/print-yaml.ts';
import { variablesOf } from '../../../formats/compose-file/variables.ts';
import type { ParsedFlags } from '../../flags.ts';
import { renderTable } from '../../output/table.ts';
import type { ComposeCommand, ComposeContext } from './compose-command.ts';

export const command: ComposeCommand = {
  name: 'config',
  usage: '[OPTIONS] [SERVICE...]',
  short: "Check the project's files and print them in their long form",
  flags: [
    { long: 'environment', kind: 'bool', description: 'Print the variables that the files are filled with' },
    { long: 'format', kind: 'string', default: 'yaml', description: 'yaml or json' },
    { long: 'hash', kind: 'string', description: "Print the services' hashes: one name, several with commas, or *" },
    { long: 'images', kind: 'bool', description: 'Print the names of the images' },
    { long: 'networks', kind: 'bool', description: 'Print the names of the networks' },
    { long: 'no-interpolate', kind: 'bool', description: 'Leave variables as they stand' },
    { long: 'output', short: 'o', kind: 'string', description: 'Write to this file instead' },
    { long: 'profiles', kind: 'bool', description: 'Print the names of the profiles' },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Only check' },
    { long: 'services', kind: 'bool', description: 'Print the names of the services' },
    { long: 'variables', kind: 'bool', description: 'Print the variables of the files and their defaults' },
    { long: 'volumes', kind: 'bool', description: 'Print the names of the volumes' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const text = await textFor(flags, args, compose);
    const output = flags.optional('output');
    if (output !== undefined) writeFileSync(output, text);
    else if (text !== '') await session.out.write(text);
    return 0;
  },
};

async function textFor(flags: ParsedFlags, services: readonly string[], compose: ComposeContext): Promise<string> {
  if (flags.bool('variables')) return await variables(compose);
  if (flags.bool('no-interpolate')) return await asWritten(flags, compose);
  if (flags.bool('profiles')) return lines(profilesOf((await compose.open()).project));
  const project = await compose.project(services);
  if (flags.bool('quiet')) return '';
  if (flags.bool('services')) return lines(Object.keys(project.services));
  if (flags.bool('volumes')) return lines(Object.keys(project.volumes));
  if (flags.bool('networks')) return lines(Object.keys(project.networks));
  if (flags.bool('images')) return lines(imagesOf(project));
  if (flags.bool('environment')) return await environment(compose);
  if (flags.given('hash')) return hashes(project, flags.string('hash'));
  return format(flags, escaped(printable(services.length > 0 ? only(project, services) : project)));
}

const lines = (names: readonly string[]): string => names.map((name) => `${name}\n`).join('');

function format(flags: ParsedFlags, value: Plain): string {
  const kind = flags.string('format');
  if (kind === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  if (kind === 'yaml') return printYaml(value);
  throw invalid(`unsupported format: ${kind}, it is yaml or json`);
}

/** With every dollar sign doubled, so that what is printed can be loaded again. */
function escaped(value: Plain): Plain {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, escaped(one)]));
}

async function asWritten(flags: ParsedFlags, compose: ComposeContext): Promise<string> {
  const { project, tree } = await compose.open({ interpolate: false });
  const plain = toPlain(tree) as { [key: string]: Plain };
  return flags.bool('quiet') ? '' : format(flags, { name: project.name, ...plain });
}

const profilesOf = (project: Project): string[] =>
  [...new Set(Object.values(project.services).flatMap((service) => service.profiles ?? []))].toSorted();

const imagesOf = (project: Project): string[] =>
  Object.entries(project.services).map(([name, { image }]) => image ?? `${project.name}-${name}`);

function hashes(project: Project, wanted: string): string {
  const names = wanted === '*' ? Object.keys(project.services) : wanted.split(',');
  return lines(
    names.map((name) => {
      const service = project.services[name];
      if (!service) throw invalid(`no such service: ${name}`);
      return `${name} ${serviceHash(service, [])}`;
    }),
  );
}

function only(project: Project, names: readonly string[]): Project {
  const services = Object.fromEntries(Object.entries(project.services).filter(([name]) => names.includes(name)));
  return { ...project, services };
}

async function environment(compose: ComposeContext): Promise<string> {
  const { source, project } = await compose.open();
  const names = new Set([...Object.keys(compose.choice.env), ...source.variables.keys()]);
  const rows = [...names].flatMap((name) =>
    source.lookup(name) === undefined ? [] : [`${name}=${source.lookup(name)}`],
  );
  return lines(
    [
      ...rows.filter((row) => !row.startsWith('COMPOSE_PROJECT_NAME=')),
      `COMPOSE_PROJECT_NAME=${project.name}`,
    ].toSorted(),
  );
}

async function variables(compose: ComposeContext): Promise<string> {
  const { tree } = await compose.open({ interpolate: false });
  const uses = new Map(variablesOf(JSON.stringify(toPlain(tree))).map((use) => [use.name, use]));
  const rows = [...uses.values()]
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map((use) => [use.name, String(use.required), use.defaultValue, use.alternate]);
  return renderTable([['NAME', 'REQUIRED', 'DEFAULT VALUE', 'ALTERNATE VALUE'], ...rows]);
}
