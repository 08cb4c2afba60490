import type { UpdateRequest } from '../../../api/types/container-update.ts';
import { parseEnv, parseLabel } from '../../../formats/key-value.ts';
import { parsePortSpecs } from '../../../formats/port-spec.ts';
import { splitWords } from '../../../formats/shell-words.ts';
import type { ParsedFlags } from '../../flags.ts';
import { restartPolicy } from './host-config.ts';
import { parseMountOption } from './mount-option.ts';
import { limitConfig } from './resource-config.ts';

/** What an `update` line asks for; nothing of what it does not name. @throws invalid in Docker's words. */
export function updateRequestOf(flags: ParsedFlags, env: Readonly<Record<string, string | undefined>>): UpdateRequest {
  const listed = <T>(option: string, use: (texts: readonly string[]) => T): T | undefined =>
    flags.given(option) ? use(flags.list(option)) : undefined;
  const request: Record<string, unknown> = {
    ...limitConfig(flags),
    RestartPolicy: flags.given('restart') ? restartPolicy(flags.string('restart')) : undefined,
    LabelsAdd: listed('label-add', (texts) => Object.fromEntries(texts.map(parseLabel))),
    LabelsRemove: listed('label-rm', (texts) => [...texts]),
    EnvAdd: listed('env-add', (texts) => texts.map((text) => parseEnv(text, (name) => env[name]))),
    EnvRemove: listed('env-rm', (texts) => [...texts]),
    MountsAdd: listed('mount-add', (texts) => texts.map(parseMountOption)),
    MountsRemove: listed('mount-rm', (texts) => [...texts]),
    Cmd: flags.given('command') ? splitWords(flags.string('command')) : undefined,
    PortBindingsAdd: listed('publish-add', (texts) => parsePortSpecs(texts).PortBindings),
    PortBindingsRemove: listed('publish-rm', (texts) => parsePortSpecs(texts).PortBindings),
  };
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}
