import { TugError } from '../../base/errors.ts';
import type { Channel } from '../../formats/channels.ts';

/** What a client has to give to a build, and the way to it. */
export interface BuildSession {
  /** Names of contexts; the build context's is empty. */
  readonly contexts: readonly string[];
  /** Ids of ssh agents. */
  readonly agents: readonly string[];
  /** Ids of secrets. */
  readonly secrets: readonly string[];
  /** Names of folders for caches. */
  readonly caches: readonly string[];
  /** Asks the client for something. Whoever reads is told when the signal is aborted. Dispose of the channel. */
  open(head: SessionRequest, signal: AbortSignal): Channel;
}

/** What the engine may ask a client for. */
export type SessionRequest =
  | { readonly kind: 'context'; readonly name: string }
  | { readonly kind: 'agent' | 'secret'; readonly id: string }
  /** A file of a cache's folder: its content; or, when the client asks for it by a 1, the content to be written. */
  | { readonly kind: 'cache-read' | 'cache-write'; readonly id: string; readonly path: string };

/** The clients that wait to be asked, by the id that their build names. */
export interface BuildSessions {
  add(id: string, session: BuildSession): Disposable;
  /** @throws invalid when there is none of the id. */
  find(id: string): BuildSession;
}

export function createBuildSessions(): BuildSessions {
  const sessions = new Map<string, BuildSession>();
  return {
    add(id, session) {
      if (sessions.has(id)) throw new TugError('conflict', `session ${id} exists already`, { code: 'session-exists' });
      sessions.set(id, session);
      return { [Symbol.dispose]: () => void sessions.delete(id) };
    },
    find(id) {
      const session = sessions.get(id);
      if (session) return session;
      throw new TugError('invalid', `no session ${id}: its client is gone`, { code: 'no-session' });
    },
  };
}
