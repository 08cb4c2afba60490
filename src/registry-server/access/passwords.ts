import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { TugError } from '../../base/errors.ts';
import type { UserFile } from './htpasswd-file.ts';
import type { Throttle } from './throttle.ts';

/** What somebody says to be let in. */
export interface Login {
  readonly name: string;
  readonly password: string;
}

export interface Passwords {
  /**
   * Whether the password is the user's. An unknown user takes as long as a known one.
   * @throws unauthorized with `details.retryAfter` (seconds) for users and addresses that have failed too often.
   */
  verify(login: Login, address: string): Promise<boolean>;
  /** The user's hash at this moment; undefined for none, and for one who cannot log in. */
  hashOf(name: string): Promise<string | undefined>;
}

export interface PasswordsOptions {
  readonly users: UserFile;
  readonly compare: (password: string, hash: string) => Promise<boolean>;
  readonly throttle: Throttle;
  readonly clock: Clock;
  /** Milliseconds for which a password that was right is not computed again. */
  readonly remembered?: number;
}

const mostRemembered = 10_000;
/** bcrypt looks at 72 bytes; what is much longer is no password. */
const longestPassword = 1024;

/**
 * Passwords against a file of users. What was right is remembered for a while as a keyed hash of name, password and
 * the user's entry, so that a changed or removed entry counts at once; the key never leaves the process. The same
 * login asked several times at once is computed once.
 */
export function createPasswords(options: PasswordsOptions): Passwords {
  const { users, compare, throttle, clock, remembered = 300_000 } = options;
  const secret = randomBytes(32);
  const known = new Map<string, number>();
  const asked = new Map<string, Promise<boolean>>();

  const sealOf = ({ name, password }: Login, hash: string): string => {
    const parts = [name, password, hash].map((part) => `${Buffer.byteLength(part)}:${part}`);
    return createHmac('sha256', secret).update(parts.join('')).digest('base64');
  };
  const isKnown = (seal: string): boolean => (known.get(seal) ?? Number.NEGATIVE_INFINITY) > clock.now();
  const remember = (seal: string): void => {
    if (known.size >= mostRemembered) known.delete(known.keys().next().value ?? '');
    known.delete(seal);
    known.set(seal, clock.now() + remembered);
  };
  const computed = async (login: Login, hash: string, address: string, seal: string): Promise<boolean> => {
    const attempt = throttle.attempt([`user ${login.name}`, `address ${address}`]);
    if (!('succeeded' in attempt)) throw heldOff(attempt.wait);
    const usable = hash.length === 60 && login.password.length <= longestPassword;
    const same = await compare(usable ? login.password : '', usable ? hash : emptyHash(costOf(hash)));
    if (!same || !usable) return false;
    attempt.succeeded();
    remember(seal);
    return true;
  };

  return {
    async verify(login, address) {
      const { hashes, cost } = await users.current();
      const hash = hashes.get(login.name) || `none ${cost}`;
      const seal = sealOf(login, hash);
      if (isKnown(seal)) return true;
      const standing = asked.get(seal);
      if (standing) return standing;
      const answer = computed(login, hash, address, seal).finally(() => asked.delete(seal));
      asked.set(seal, answer);
      return answer;
    },
    async hashOf(name) {
      return (await users.current()).hashes.get(name) || undefined;
    },
  };
}

const costOf = (hash: string): number => Number(/^none (\d+)$/.exec(hash)?.[1] ?? 10);

/** A hash that no password has, whose comparison takes as long as another one of this cost. */
const emptyHash = (cost: number): string => `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`;

/** The refusal of those who have failed too often; HTTP's 429. */
function heldOff(milliseconds: number): TugError {
  const retryAfter = Math.max(1, Math.ceil(milliseconds / 1000));
  return new TugError('unauthorized', `too many failed logins, try again in ${retryAfter} seconds`, {
    code: 'too-many-requests',
    details: { retryAfter },
  });
}
