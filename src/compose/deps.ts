import { messageOf, TugError } from '../base/errors.ts';
import type { Engine } from '../client/engine.ts';
import type { Project, ServiceModel } from '../formats/compose-file/model.ts';

/** One thing that is being done, for whoever shows it. */
export interface Step {
  readonly kind: 'Network' | 'Volume' | 'Container' | 'Image' | 'Service';
  readonly name: string;
  /** `Creating`, `Created`, `Waiting`. */
  readonly text: string;
  readonly state: 'working' | 'done' | 'failed' | 'warning';
  /** More about it: bytes, the check that is waited for. */
  readonly detail?: string;
}

export type Report = (step: Step) => void;

/** What the orchestration is handed. */
export interface ComposeDeps {
  readonly engine: Engine;
  readonly report: Report;
  /** A sentence for the user that is no fault. */
  readonly warn: (text: string) => void;
  /** Pulls an image with the user's login. @throws with the engine's words. */
  readonly pull: (image: string, platform: string | undefined) => Promise<void>;
  /** Builds a service's image under a name. @throws with what the build said. */
  readonly build: (request: BuildRequest) => Promise<void>;
  /** Aborted when the user gives up (Ctrl-C): nothing new is begun then. */
  readonly signal: AbortSignal;
  /** Nothing is changed: `engine` only pretends, so that nothing is waited for and no command runs. */
  readonly dryRun?: boolean;
  /** How many things are done at a time. */
  readonly parallel: number;
}

export interface BuildRequest {
  readonly service: string;
  readonly image: string;
  readonly model: ServiceModel;
  readonly project: Project;
  readonly noCache?: boolean;
  readonly pull?: boolean;
  readonly args?: readonly string[];
  /** What the build says is only shown when it fails. */
  readonly quiet?: boolean;
}

/** The same step begun and ended, with what is done between. */
export async function during<T>(
  report: Report,
  { kind, name }: Pick<Step, 'kind' | 'name'>,
  [working, done]: readonly [string, string],
  work: () => Promise<T>,
): Promise<T> {
  report({ kind, name, text: working, state: 'working' });
  try {
    const result = await work();
    report({ kind, name, text: done, state: 'done' });
    return result;
  } catch (error) {
    report({
      kind,
      name,
      text: 'Error',
      state: 'failed',
      detail: error instanceof Error ? error.message : String(error),
    });
    throw error;
  }
}

/** The engine's refusal with the service it is about. */
export function named(error: unknown, service: string): unknown {
  if (!(error instanceof TugError) || error.kind === 'cancelled') return error;
  return new TugError(error.kind, `service "${service}": ${messageOf(error)}`, {
    code: error.code,
    cause: error,
    details: error.details,
  });
}
