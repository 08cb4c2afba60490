import type { HostConfig } from '../../../api/types/container.ts';
import { invalid } from '../../../base/errors.ts';
import { cutKeyValue } from '../../../formats/key-value.ts';

type DeviceRequest = NonNullable<HostConfig['DeviceRequests']>[number];

/** `--gpus all`, `--gpus 2`, or `driver=D,count=N,device=ID,capabilities=C,NAME=VALUE`. @throws invalid. */
export function parseGpusOption(text: string): DeviceRequest {
  const request: DeviceRequest = {};
  const capabilities = new Set(['gpu']);
  const options: Record<string, string> = {};
  for (const field of text.split(',')) {
    const { key, value } = cutKeyValue(field);
    if (value === undefined || key === 'count') request['Count'] = count(value ?? key);
    else if (key === 'driver') request['Driver'] = value;
    else if (key === 'device') request['DeviceIDs'] = value.split(',');
    else if (key === 'capabilities') for (const one of value.split(',')) capabilities.add(one);
    else options[key] = value;
  }
  if (request['Count'] !== undefined && request['DeviceIDs'] !== undefined)
    throw invalid('cannot set both Count and DeviceIDs on device request');
  if (request['Count'] === undefined && request['DeviceIDs'] === undefined) request['Count'] = 1;
  request['Capabilities'] = [[...capabilities]];
  if (Object.keys(options).length > 0) request['Options'] = options;
  return request;
}

function count(text: string): number {
  if (text === 'all') return -1;
  if (!/^-?\d+$/.test(text))
    throw invalid(`invalid count (${text}): value must be either "all" or an integer: invalid syntax`);
  return Number(text);
}
