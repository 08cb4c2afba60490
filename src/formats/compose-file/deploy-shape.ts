import { boolean, integer, listOf, number, object, oneOf, text, textOrList, textOrNumber, texts } from './shape.ts';
import { bytes, command, deviceRequests, duration, environment, hostPath, labels } from './values.ts';

/** A command that is run in a container. */
export const hook = object(
  () => ({ command, user: textOrNumber, privileged: boolean, working_dir: text, environment }),
  {
    required: ['command'],
  },
);

const update = object(() => ({
  parallelism: integer,
  delay: duration,
  failure_action: text,
  monitor: duration,
  max_failure_ratio: number,
  order: oneOf('start-first', 'stop-first'),
}));

/** `deploy` of a service. */
export const deploy = object(() => ({
  mode: text,
  endpoint_mode: text,
  replicas: integer,
  labels,
  rollback_config: update,
  update_config: update,
  resources: object(() => ({
    limits: object(() => ({ cpus: number, memory: bytes, pids: integer })),
    reservations: object(() => ({
      cpus: number,
      memory: bytes,
      generic_resources: listOf((node) => node),
      devices: deviceRequests,
    })),
  })),
  restart_policy: object(() => ({ condition: text, delay: duration, max_attempts: integer, window: duration })),
  placement: object(() => ({
    constraints: texts,
    preferences: listOf(object(() => ({ spread: text }))),
    max_replicas_per_node: integer,
  })),
}));

/** `develop` of a service. */
export const develop = object(() => ({
  watch: listOf(
    object(
      () => ({
        ignore: textOrList,
        include: textOrList,
        path: hostPath,
        action: oneOf('rebuild', 'sync', 'restart', 'sync+restart', 'sync+exec'),
        target: text,
        exec: hook,
        initial_sync: boolean,
      }),
      { required: ['path', 'action'] },
    ),
  ),
}));
