import type { EventMessage } from '../../api/types/event.ts';

/** One run of a container, as the history of events tells it. */
export interface Run {
  started: string | undefined;
  ended: string | undefined;
  exitCode: number | undefined;
  oomKilled: boolean;
  /** Signals that clients or the engine sent, in order. */
  signals: number[];
  /** A client, or the engine, waited for its end. */
  stopped: boolean;
}

/** The last runs that are told. */
const most = 10;

/** The runs of a container out of its events; the first may lack its beginning, which the history has forgotten. */
export async function runsOf(events: AsyncIterable<EventMessage>, id: string): Promise<Run[]> {
  const runs: Run[] = [];
  for await (const event of events) {
    if (event.Type === 'container' && event.Actor.ID === id) take(runs, event);
    if (runs.length > most) runs.shift();
  }
  return runs;
}

function take(runs: Run[], { Action, Actor, timeNano }: EventMessage): void {
  const time = new Date(timeNano / 1e6).toISOString();
  if (Action === 'start') {
    runs.push({ ...emptyRun(), started: time });
    return;
  }
  let run = runs.at(-1);
  const concerns = ['kill', 'oom', 'die', 'stop'].includes(Action);
  if (!concerns) return;
  if (!run) {
    run = emptyRun();
    runs.push(run);
  }
  if (Action === 'kill') run.signals.push(Number(Actor.Attributes['signal']));
  if (Action === 'oom') run.oomKilled = true;
  if (Action === 'stop') run.stopped = true;
  if (Action === 'die') {
    run.ended = time;
    run.exitCode = Number(Actor.Attributes['exitCode']);
  }
}

const emptyRun = (): Run => ({
  started: undefined,
  ended: undefined,
  exitCode: undefined,
  oomKilled: false,
  signals: [],
  stopped: false,
});
