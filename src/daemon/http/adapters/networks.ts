import { type Adapter, changeField, without } from './shape.ts';

/** IPv4 can be left out since 1.48, and the highest of several priorities is the way out (API changes v1.48). */
export const networkAdapters: readonly Adapter[] = [
  { below: '1.48', route: 'NetworkCreate', request: (body) => without(body, ['EnableIPv4']) },
  {
    below: '1.48',
    route: 'NetworkConnect',
    request: (body) => changeField(body, 'EndpointConfig', (endpoint) => without(endpoint, ['GwPriority'])),
  },
  { below: '1.48', route: 'NetworkList', response: (body) => without(body, ['EnableIPv4']) },
  { below: '1.48', route: 'NetworkInspect', response: (body) => without(body, ['EnableIPv4']) },
  // how full the subnets are is told since 1.52
  { below: '1.52', route: 'NetworkInspect', response: (body) => without(body, ['Status']) },
  { below: '1.28', route: 'NetworkList', response: (body) => ({ Containers: {}, ...body }) },
];
