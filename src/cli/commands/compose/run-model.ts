import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { parseDotEnv } from '../../../formats/compose-file/dotenv.ts';
import type { MountModel, PortModel, ServiceModel } from '../../../formats/compose-file/model.ts';
import { parsePortSpec } from '../../../formats/port-spec.ts';
import { splitWords } from '../../../formats/shell-words.ts';
import { parseVolumeSpec } from '../../../formats/volume-spec.ts';
import type { ParsedFlags } from '../../flags.ts';

/** A service as `run` changes it for one command. @throws invalid for values that cannot be read. */
export function modelForRun(
  service: ServiceModel,
  flags: ParsedFlags,
  line: readonly string[],
  options: { readonly tty: boolean; readonly env: Readonly<Record<string, string | undefined>>; readonly cwd: string },
): ServiceModel {
  const { container_name: _, restart: __, ports, deploy: ___, scale: ____, ...rest } = service;
  const published = flags.list('publish').flatMap(portModels);
  const entrypoint = flags.optional('entrypoint');
  return {
    ...rest,
    ...(line.length > 0 ? { command: line } : entrypoint === undefined ? {} : { command: null }),
    ...(entrypoint === undefined ? {} : { entrypoint: entrypoint === '' ? [] : splitWords(entrypoint) }),
    ...(flags.bool('service-ports') && ports
      ? { ports: [...ports, ...published] }
      : published.length > 0
        ? { ports: published }
        : {}),
    ...(flags.given('user') ? { user: flags.string('user') } : {}),
    ...(flags.given('workdir') ? { working_dir: flags.string('workdir') } : {}),
    ...(flags.given('cap-add') ? { cap_add: [...(service.cap_add ?? []), ...flags.list('cap-add')] } : {}),
    ...(flags.given('cap-drop') ? { cap_drop: [...(service.cap_drop ?? []), ...flags.list('cap-drop')] } : {}),
    environment: { ...service.environment, ...variables(flags, options.env) },
    labels: { ...service.labels, ...pairs(flags.list('label')) },
    volumes: [...(service.volumes ?? []), ...flags.list('volume').map((text) => mountModel(text, options.cwd))],
    tty: options.tty,
    stdin_open: flags.bool('interactive') && !flags.bool('detach'),
  };
}

function variables(flags: ParsedFlags, env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const file of flags.list('env-from-file'))
    Object.assign(found, Object.fromEntries(parseDotEnv(readFileSync(file, 'utf8'), file, (name) => env[name])));
  for (const text of flags.list('env')) {
    const equals = text.indexOf('=');
    const value = equals < 0 ? env[text] : text.slice(equals + 1);
    if (value !== undefined) found[equals < 0 ? text : text.slice(0, equals)] = value;
  }
  return found;
}

const pairs = (texts: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );

const portModels = (text: string): PortModel[] =>
  parsePortSpec(text).map(({ port, hostIp, hostPort }) => {
    const [target = '', protocol = 'tcp'] = port.split('/');
    return {
      mode: 'ingress',
      target: Number(target),
      protocol,
      ...(hostIp === '' ? {} : { host_ip: hostIp }),
      ...(hostPort === '' ? {} : { published: hostPort }),
    };
  });

/** A path of this host, or a volume of the engine by its own name. */
function mountModel(text: string, cwd: string): MountModel {
  const parts = text.split(':');
  const isPath = parts.length > 1 && /^[./]/.test(parts[0]!);
  const spec = parseVolumeSpec(isPath ? [path.resolve(cwd, parts[0]!), ...parts.slice(1)].join(':') : text);
  return {
    type: spec.type,
    target: spec.target,
    read_only: spec.readOnly,
    ...(spec.source === undefined ? {} : { source: spec.source }),
  };
}
