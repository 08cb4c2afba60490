import { StringDecoder } from 'node:string_decoder';
import type { BuildMessage } from '../../api/types/build.ts';
import { shortId } from '../../base/ids.ts';
import type { BuildListener, BuildStep } from '../contract.ts';

type Send = (message: BuildMessage) => Promise<void>;

/** What a step said that is not its turn yet, or has not ended. */
interface Lines {
  readonly waiting: BuildMessage[];
  readonly decoders: Record<'stdout' | 'stderr', StringDecoder>;
  ended: boolean;
}

/**
 * Tells of a build as Docker's classic builder does: `Step 2/5 : RUN ...`, its output, ` ---> ID`. Steps that run at the
 * same time are told one after another, in the order of the Dockerfile.
 */
export function createClassicListener(send: Send): BuildListener & { flush(): Promise<void> } {
  const steps = new Map<number, Lines>();
  let turn = 1;
  let sent: Promise<void> = Promise.resolve();
  const linesOf = (step: BuildStep): Lines => {
    const known = steps.get(step.number);
    if (known) return known;
    const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
    const lines: Lines = { waiting: [], decoders, ended: false };
    steps.set(step.number, lines);
    return lines;
  };
  const write = (message: BuildMessage): Promise<void> => {
    sent = send(message).catch(() => {}); // a client that left: its signal ends the build
    return sent;
  };
  const say = (step: BuildStep, message: BuildMessage): Promise<void> | undefined => {
    if (step.number === turn) return write(message);
    linesOf(step).waiting.push(message);
    return undefined;
  };
  const tell = (step: BuildStep, text: string): void => void say(step, { stream: text });
  const advance = (): void => {
    for (let lines = steps.get(turn); lines?.ended; lines = steps.get(turn)) {
      steps.delete(turn);
      turn += 1;
      for (const message of steps.get(turn)?.waiting.splice(0) ?? []) void write(message);
    }
  };
  const end = (step: BuildStep): void => {
    linesOf(step).ended = true;
    advance();
  };
  return {
    started(step) {
      if (step.number > 0) tell(step, `Step ${step.number}/${step.total} : ${step.text}\n`);
    },
    waited() {},
    output(step, stream, chunk) {
      const text = linesOf(step).decoders[stream].write(chunk);
      return text === '' ? undefined : say(step, { stream: text });
    },
    progress() {},
    done(step, { cached, id }) {
      if (step.number === 0) return;
      if (cached) tell(step, ' ---> Using cache\n');
      if (id !== '') tell(step, ` ---> ${shortId(id)}\n`);
      end(step);
    },
    failed(step) {
      for (const message of steps.get(step.number)?.waiting.splice(0) ?? []) void write(message);
    },
    warning: (message) => void write({ stream: `[Warning] ${message}\n` }),
    flush: () => sent,
  };
}
