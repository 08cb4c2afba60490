import { invalid } from '../../base/errors.ts';
import { parseSignal } from '../../base/process.ts';
import type {
  ExposeInstruction,
  HealthcheckInstruction,
  LabelInstruction,
  MaintainerInstruction,
  OnbuildInstruction,
  StopsignalInstruction,
  UserInstruction,
  VolumeInstruction,
} from '../../formats/dockerfile/types.ts';
import { configured, emptyHistory, expander, type StageState } from '../state.ts';

export function label(state: StageState, { pairs }: LabelInstruction): StageState {
  const expand = expander(state);
  const added = pairs.map(({ key, value }) => [expand(key).text, expand(value).text] as const);
  const Labels = { ...state.config.Labels, ...Object.fromEntries(added) };
  return configured(state, { Labels }, `LABEL ${added.map(([key, value]) => `${key}=${value}`).join(' ')}`);
}

export const maintainer = (state: StageState, { maintainer: name }: MaintainerInstruction): StageState => ({
  ...state,
  author: name,
  history: [...state.history, emptyHistory(`MAINTAINER ${name}`)],
});

export function expose(state: StageState, { ports }: ExposeInstruction): StageState {
  const expand = expander(state);
  const words = ports.flatMap((port) => expand(port).words);
  const added = words.flatMap(portsOf);
  const ExposedPorts = { ...state.config.ExposedPorts, ...Object.fromEntries(added.map((port) => [port, {}])) };
  return configured(state, { ExposedPorts }, `EXPOSE [${added.join(' ')}]`);
}

function portsOf(word: string): string[] {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(word);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? first);
  if (!match || last < first || last > 65535) throw invalid(`invalid containerPort: ${word}`, { code: 'bad-port' });
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}

export function user(state: StageState, instruction: UserInstruction): StageState {
  const name = expander(state)(instruction.user).text;
  return configured(state, { User: name }, `USER ${name}`);
}

export function volume(state: StageState, { paths }: VolumeInstruction): StageState {
  const expand = expander(state);
  const places = paths.map((path) => expand(path).text);
  if (places.some((place) => place.trim() === ''))
    throw invalid('VOLUME specified can not be an empty string', { code: 'bad-volume' });
  const Volumes = { ...state.config.Volumes, ...Object.fromEntries(places.map((place) => [place, {}])) };
  return configured(state, { Volumes }, `VOLUME [${places.join(' ')}]`);
}

export function stopsignal(state: StageState, instruction: StopsignalInstruction): StageState {
  const signal = expander(state)(instruction.signal).text;
  if (parseSignal(signal) === undefined) throw invalid(`Invalid signal: ${signal}`, { code: 'bad-signal' });
  return configured(state, { StopSignal: signal }, `STOPSIGNAL ${signal}`);
}

export function healthcheck(state: StageState, instruction: HealthcheckInstruction): StageState {
  const { test, interval, timeout, startPeriod, startInterval, retries } = instruction;
  const Healthcheck = {
    Test: [...test],
    ...(interval === undefined ? {} : { Interval: interval }),
    ...(timeout === undefined ? {} : { Timeout: timeout }),
    ...(startPeriod === undefined ? {} : { StartPeriod: startPeriod }),
    ...(startInterval === undefined ? {} : { StartInterval: startInterval }),
    ...(retries === undefined ? {} : { Retries: retries }),
  };
  return configured(state, { Healthcheck }, `HEALTHCHECK ${JSON.stringify(Healthcheck)}`);
}

/** The history says nothing of it, as BuildKit's does not. */
export const onbuild = (state: StageState, { expression }: OnbuildInstruction): StageState => ({
  ...state,
  config: { ...state.config, OnBuild: [...(state.config.OnBuild ?? []), expression] },
});
