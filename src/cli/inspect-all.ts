import { messageOf, TugError } from '../base/errors.ts';
import { inspect as inspectContainer } from '../client/calls/containers.ts';
import { inspect as inspectImage } from '../client/calls/images.ts';
import { inspect as inspectNetwork } from '../client/calls/networks.ts';
import { inspect as inspectVolume } from '../client/calls/volumes.ts';
import type { Session } from './command.ts';
import { CommandFailure } from './exit-codes.ts';

/** The exit code for a template that is none. */
const unparsable = 64;

/** Looks an object up. @throws not-found. */
export type Find = (session: Session, name: string, size: boolean) => Promise<unknown>;

export const findContainer: Find = (session, name, size) => inspectContainer(session.engine, name, { size });
export const findImage: Find = (session, name) => inspectImage(session.engine, name);
export const findNetwork: Find = (session, name) => inspectNetwork(session.engine, name);
export const findVolume: Find = (session, name) => inspectVolume(session.engine, name);

/**
 * Prints the objects as one JSON list, or each in the format. Those that are not found are told after the others.
 * @throws CommandFailure with the failures, a line each.
 */
export async function inspectAll(
  session: Session,
  names: readonly string[],
  format: string,
  find: (session: Session, name: string) => Promise<unknown>,
): Promise<number> {
  const found: unknown[] = [];
  const failures: string[] = [];
  for (const name of names) {
    try {
      found.push(await find(session, name));
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  await print(session, found, format);
  if (failures.length > 0) throw new CommandFailure(failures.join('\n'), 1);
  return 0;
}

/** Docker tries a template on its own types first, where `State.Health` is always there, and then on what the engine said. */
function formatWithHealth(format: (views: readonly object[]) => string, views: readonly object[]): string {
  try {
    return format(views.map(withHealth));
  } catch {
    return format(views);
  }
}

/** `State.Health` of a container whose health is not checked is nothing, and no fault. */
function withHealth<T extends { State?: object }>(object: T): T {
  if (!object.State || 'Health' in object.State) return object;
  return { ...object, State: Object.defineProperty({ ...object.State }, 'Health', { value: null }) };
}

interface Inspected {
  readonly Id?: string;
  readonly State?: object;
  readonly Mounts?: readonly object[];
}

/** A container's mounts that are no volumes have neither name nor driver, which is no fault. */
function withMounts(object: Inspected): Inspected {
  if (!object.Mounts) return object;
  const blank = { Name: { value: '' }, Driver: { value: '' } };
  const fill = (mount: object): object => Object.defineProperties({ ...mount }, 'Name' in mount ? {} : blank);
  return { ...object, Mounts: object.Mounts.map(fill) };
}

async function print(session: Session, found: readonly unknown[], format: string): Promise<void> {
  if (format === '') return session.out.write(`${JSON.stringify(found, null, 4)}\n`);
  if (format === 'json') return session.out.write(`${JSON.stringify(found)}\n`);
  const { formatEach, withAliases } = await import('./output/template.ts');
  // A name that is not found leaves an empty line, as the lines of several are read in pairs with the names.
  if (found.length === 0) return session.out.write('\n');
  const views = found.map((one) => withAliases(withMounts(one as Inspected), { ID: 'Id' }));

  let text: string;
  try {
    text = formatWithHealth((given) => formatEach(format, given), views);
  } catch (error) {
    const fault = messageOf(error).replace(
      /can't evaluate field (\w+) in type struct$/,
      'map has no entry for key "$1"',
    );
    const unparsed = error instanceof TugError && error.code === 'template-parse';
    if (!unparsed) await session.out.write('\n');
    throw new CommandFailure(`template parsing error: ${fault}`, unparsed ? unparsable : 1, { cause: error });
  }
  return session.out.write(text);
}
