import path from 'node:path';
import type { MountRequest } from '../../../api/types/container.ts';
import { invalid } from '../../../base/errors.ts';
import { parseBytes } from '../../../formats/bytes.ts';
import { csvFields } from '../../../formats/csv.ts';
import { cutKeyValue } from '../../../formats/key-value.ts';

type Apply = (mount: MountRequest, value: string, field: string) => void;

/**
 * `--mount type=bind,source=/a,target=/b,readonly`: comma-separated fields, in double quotes where a value has a
 * comma. A relative source of a bind is taken from the client's working directory.
 * @throws invalid in Docker's words.
 */
export function parseMountOption(text: string): MountRequest {
  const mount: MountRequest = { Type: 'volume' };
  for (const field of csvFields(text)) {
    const { key, value } = cutKeyValue(field);
    const name = key.toLowerCase();
    const apply = fields[name];
    if (value === undefined && !flagFields.has(name))
      throw invalid(`invalid field '${field}' must be a key=value pair`);
    if (!apply) throw invalid(`unexpected key '${key}' in '${field}'`);
    apply(mount, value ?? 'true', name);
  }
  if (!mount.Target) throw invalid('target is required');
  if (mount.Type === 'bind' && mount.Source && /^\.\.?(\/|$)/.test(mount.Source))
    mount.Source = path.resolve(mount.Source);
  refuseForeignOptions(mount);
  checkRecursion(mount);
  return mount;
}

const boolean = (value: string, field: string): boolean => {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  throw invalid(`invalid value for ${field}: ${value}`);
};

const setType: Apply = (mount, value) => {
  mount.Type = value.toLowerCase();
};
const setSource: Apply = (mount, value) => {
  mount.Source = value;
};
const setTarget: Apply = (mount, value) => {
  mount.Target = value;
};
const setReadOnly: Apply = (mount, value, field) => {
  mount.ReadOnly = boolean(value, field);
};

/** Fields that may stand without a value. */
const flagFields: ReadonlySet<string> = new Set([
  'readonly',
  'ro',
  'volume-nocopy',
  'bind-nonrecursive',
  'bind-create-src',
  'idmap',
]);

const fields: Readonly<Record<string, Apply>> = {
  type: setType,
  ...{ source: setSource, src: setSource },
  ...{ target: setTarget, dst: setTarget, destination: setTarget },
  ...{ readonly: setReadOnly, ro: setReadOnly },
  consistency: (mount, value) => {
    mount.Consistency = value.toLowerCase();
  },
  'bind-propagation': (mount, value) => {
    mount.BindOptions = { ...mount.BindOptions, Propagation: value.toLowerCase() };
  },
  'bind-nonrecursive': (mount, value, field) => {
    mount.BindOptions = { ...mount.BindOptions, NonRecursive: boolean(value, field) };
  },
  'bind-create-src': (mount, value, field) => {
    mount.BindOptions = { ...mount.BindOptions, CreateMountpoint: boolean(value, field) };
  },
  idmap: (mount, value, field) => {
    mount.BindOptions = { ...mount.BindOptions, IdMap: boolean(value, field) };
  },
  'bind-recursive': (mount, value) => {
    mount.BindOptions = { ...mount.BindOptions, ...recursion(value) };
  },
  'volume-subpath': (mount, value) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, Subpath: value };
  },
  'volume-nocopy': (mount, value, field) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: boolean(value, field) };
  },
  'volume-label': (mount, value) => {
    const { key, value: label = '' } = cutKeyValue(value);
    mount.VolumeOptions = { ...mount.VolumeOptions, Labels: { ...mount.VolumeOptions?.Labels, [key]: label } };
  },
  'volume-driver': (mount, value) => {
    mount.VolumeOptions = {
      ...mount.VolumeOptions,
      DriverConfig: { ...mount.VolumeOptions?.DriverConfig, Name: value },
    };
  },
  'volume-opt': (mount, value) => {
    const { key, value: option = '' } = cutKeyValue(value);
    const driver = mount.VolumeOptions?.DriverConfig;
    mount.VolumeOptions = {
      ...mount.VolumeOptions,
      DriverConfig: { ...driver, Options: { ...driver?.Options, [key]: option } },
    };
  },
  'image-subpath': (mount, value) => {
    mount.ImageOptions = { Subpath: value };
  },
  'tmpfs-size': (mount, value, field) => {
    try {
      mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: parseBytes(value) };
    } catch (error) {
      throw invalid(`invalid value for ${field}: ${value}`, { cause: error });
    }
  },
  'tmpfs-mode': (mount, value, field) => {
    if (!/^[0-7]{1,7}$/.test(value)) throw invalid(`invalid value for ${field}: ${value}`);
    mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: Number.parseInt(value, 8) };
  },
};

function recursion(value: string): NonNullable<MountRequest['BindOptions']> {
  switch (value) {
    case 'enabled':
      return {};
    case 'disabled':
      return { NonRecursive: true };
    case 'writable':
      return { ReadOnlyNonRecursive: true };
    case 'readonly':
      return { ReadOnlyForceRecursive: true };
    default:
      throw invalid(
        `invalid value for bind-recursive: ${value}: must be one of "enabled", "disabled", "writable", or "readonly"`,
      );
  }
}

function checkRecursion({ ReadOnly, BindOptions = {} }: MountRequest): void {
  const needs = (value: string, other: string) =>
    invalid(`option 'bind-recursive=${value}' requires '${other}' to be specified in conjunction`);
  if (BindOptions.ReadOnlyNonRecursive && !ReadOnly) throw needs('writable', 'readonly');
  if (!BindOptions.ReadOnlyForceRecursive) return;
  if (!ReadOnly) throw needs('readonly', 'readonly');
  if (BindOptions.Propagation !== 'rprivate') throw needs('readonly', 'bind-propagation=rprivate');
}

function refuseForeignOptions(mount: MountRequest): void {
  for (const [option, type, given] of [
    ['volume-*', 'volume', mount.VolumeOptions],
    ['bind-*', 'bind', mount.BindOptions],
    ['image-*', 'image', mount.ImageOptions],
    ['tmpfs-*', 'tmpfs', mount.TmpfsOptions],
  ] as const) {
    if (given && mount.Type !== type) throw invalid(`cannot mix '${option}' options with mount type '${mount.Type}'`);
  }
}
