/**
 * The engine's own log: one line per event, `time level message key=value ...`, or JSON lines.
 * Debug lines belong to a channel and are written with `debug: true`, or when `TUG_DEBUG` names the
 * channel (`TUG_DEBUG=net,images`, or `*`).
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with a channel name (`net`, `images`, `runtime`, `api`) on each of its lines. */
  channel(name: string): Logger;
}

export interface LoggerOptions {
  readonly level?: LogLevel;
  readonly format?: 'text' | 'json';
  /** Channels whose debug lines are written whatever the level; `*` for all. */
  readonly channels?: readonly string[];
  readonly write?: (line: string) => void;
  readonly now?: () => Date;
}

const ranks: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A logger that writes to `write` (standard error by default). Never throws for odd field values. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const lowest = ranks[options.level ?? 'info'];
  const channels = new Set(options.channels ?? []);
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const now = options.now ?? (() => new Date());
  const format = options.format === 'json' ? formatJson : formatText;

  const forChannel = (channel: string | undefined): Logger => {
    const emit = (level: LogLevel, message: string, fields: LogFields = {}): void => {
      const named = channel !== undefined && (channels.has(channel) || channels.has('*'));
      if (ranks[level] < lowest && !(level === 'debug' && named)) return;
      write(format(now().toISOString(), level, channel, message, fields));
    };
    return {
      debug: (message, fields) => emit('debug', message, fields),
      info: (message, fields) => emit('info', message, fields),
      warn: (message, fields) => emit('warn', message, fields),
      error: (message, fields) => emit('error', message, fields),
      channel: forChannel,
    };
  };
  return forChannel(undefined);
}

/** A logger that drops everything. */
export const silentLogger: Logger = createLogger({ level: 'error', write: () => {} });

function formatJson(time: string, level: LogLevel, channel: string | undefined, msg: string, fields: LogFields) {
  const plain = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, plainValue(value)]));
  return `${JSON.stringify({ time, level, channel, msg, ...plain })}\n`;
}

function formatText(time: string, level: LogLevel, channel: string | undefined, message: string, fields: LogFields) {
  let line = `${time} ${level.padEnd(5)} ${channel ? `[${channel}] ` : ''}${message}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const plain = plainValue(value);
    const text = typeof plain === 'string' ? plain : JSON.stringify(plain);
    line += ` ${key}=${/[\s"=]/.test(text) || text === '' ? JSON.stringify(text) : text}`;
  }
  return `${line}\n`;
}

function plainValue(value: unknown): unknown {
  if (value instanceof Error) return value.cause ? `${value.message}: ${plainValue(value.cause)}` : value.message;
  if (typeof value === 'bigint') return value.toString();
  return value;
}
