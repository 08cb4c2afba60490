import type { EventMessage } from '../../api/types/event.ts';
import type { InfoResponse, VersionResponse } from '../../api/types/system.ts';
import type { Engine } from '../engine.ts';
import { type Filters, filtersQuery } from '../filters-query.ts';
import { jsonTexts } from '../json-stream.ts';

export const version = (engine: Engine): Promise<VersionResponse> => engine.json('GET', '/version');
export const info = (engine: Engine): Promise<InfoResponse> => engine.json('GET', '/info');

/** An event, and the text it came as: a number of JavaScript cannot hold all the digits of `timeNano`. */
export interface ReceivedEvent {
  readonly event: EventMessage;
  readonly text: string;
}

/** Events as they come; ends at `until`, else when the engine does. Times are Unix seconds with a fraction. */
export async function* events(
  engine: Engine,
  options: { since: string | undefined; until: string | undefined; filters: Filters },
): AsyncGenerator<ReceivedEvent, void> {
  const query = { since: options.since, until: options.until, filters: filtersQuery(options.filters) };
  const response = await engine.call('GET', '/events', { query });
  for await (const text of jsonTexts(response.body())) yield { event: JSON.parse(text) as EventMessage, text };
}

/** One thing that was checked on the engine's machine. */
export interface DoctorCheck {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed';
  readonly sentence: string;
  /** The command or step that mends it. */
  readonly remedy?: string;
}

/** What the engine finds of its machine. tug's own route: other engines answer 404. */
export const doctor = (engine: Engine): Promise<DoctorCheck[]> => engine.json('GET', '/doctor');
