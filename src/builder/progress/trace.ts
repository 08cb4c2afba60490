import type { BuildMessage, BuildStatus, BuildVertex } from '../../api/types/build.ts';
import { messageOf } from '../../base/errors.ts';
import type { BuildListener, BuildStep } from '../contract.ts';

/** Milliseconds of waiting that are not worth telling. */
const unnoticed = 50;

type Send = (message: BuildMessage) => Promise<void>;

/**
 * Tells of a build by the state of its steps (BuildKit's model: vertices with their inputs, statuses, logs), as it
 * changes. Instructions that change the configuration alone are no steps here.
 */
export function createTraceListener(send: Send): BuildListener & { flush(): Promise<void> } {
  let sent: Promise<void> = Promise.resolve();
  const began = new Map<string, string>();
  const now = (): string => new Date().toISOString();
  const say = (aux: BuildStatus): Promise<void> => {
    sent = send({ id: 'tug.build.trace', aux }).catch(() => {}); // a client that left: its signal ends the build
    return sent;
  };
  const vertex = (step: BuildStep, more: Partial<BuildVertex>): void => {
    const { digest, inputs, label, text, place } = step;
    const known = { ...(inputs.length > 0 ? { inputs } : {}), ...(place === undefined ? {} : { place }) };
    void say({ vertexes: [{ digest, ...known, name: `${label} ${text}`, ...more }] });
  };
  return {
    started(step) {
      if (!step.works) return;
      const started = now();
      began.set(step.digest, started);
      vertex(step, { started });
    },
    waited(step) {
      const started = now();
      if (!step.works || Date.parse(started) - Date.parse(began.get(step.digest) ?? started) < unnoticed) return;
      began.set(step.digest, started);
      vertex(step, { started });
    },
    output: (step, stream, chunk) =>
      say({
        logs: [
          {
            ...{ vertex: step.digest, stream: stream === 'stdout' ? 1 : 2 },
            ...{ data: chunk.toString('base64'), timestamp: now() },
          },
        ],
      }),
    progress(step, id, current, total) {
      const known = total === undefined ? {} : { total };
      void say({ statuses: [{ id, vertex: step.digest, name: id, current, ...known, timestamp: now() }] });
    },
    done(step, { cached, why }) {
      if (!step.works) return;
      const started = began.get(step.digest) ?? now();
      vertex(step, { started, completed: now(), ...(cached ? { cached } : {}), ...(why === undefined ? {} : { why }) });
    },
    failed(step, error) {
      const started = began.get(step.digest) ?? now();
      vertex(step, { started, completed: now(), error: messageOf(error) });
    },
    warning: (short) => void say({ warnings: [{ short }] }),
    flush: () => sent,
  };
}
