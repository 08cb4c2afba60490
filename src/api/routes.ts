/**
 * The routes that are built, by the operation names of the Engine API. A route that is not in this table
 * does not exist: the server answers 404 "page not found". `{name...}` takes slashes, as image names have them.
 * `GET /doctor`, `GET /containers/{id}/why`, `GET` and `PUT /distribution/{name}/manifest`, `GET /images/tree`,
 * `GET /images/{name}/changes`, `POST /images/bootstrap`, `DELETE /containers/{id}/logs` and `GET` of the two `prune`
 * are tug's own.
 */
export const routes = {
  SystemPing: 'GET /_ping',
  SystemPingHead: 'HEAD /_ping',
  SystemVersion: 'GET /version',
  SystemInfo: 'GET /info',
  SystemEvents: 'GET /events',
  SystemDoctor: 'GET /doctor',
  SystemDataUsage: 'GET /system/df',
  BuildPrune: 'POST /build/prune',

  ContainerCreate: 'POST /containers/create',
  ContainerList: 'GET /containers/json',
  ContainerInspect: 'GET /containers/{id}/json',
  ContainerStart: 'POST /containers/{id}/start',
  ContainerStop: 'POST /containers/{id}/stop',
  ContainerRestart: 'POST /containers/{id}/restart',
  ContainerKill: 'POST /containers/{id}/kill',
  ContainerPause: 'POST /containers/{id}/pause',
  ContainerUnpause: 'POST /containers/{id}/unpause',
  ContainerChanges: 'GET /containers/{id}/changes',
  ContainerExport: 'GET /containers/{id}/export',
  ContainerArchiveInfo: 'HEAD /containers/{id}/archive',
  ContainerArchive: 'GET /containers/{id}/archive',
  PutContainerArchive: 'PUT /containers/{id}/archive',
  ContainerUpdate: 'POST /containers/{id}/update',
  ContainerRename: 'POST /containers/{id}/rename',
  ContainerWait: 'POST /containers/{id}/wait',
  ContainerLogs: 'GET /containers/{id}/logs',
  ContainerStats: 'GET /containers/{id}/stats',
  ContainerWhy: 'GET /containers/{id}/why',
  ContainerTop: 'GET /containers/{id}/top',
  ContainerLogsClear: 'DELETE /containers/{id}/logs',
  ContainerAttach: 'POST /containers/{id}/attach',
  ContainerResize: 'POST /containers/{id}/resize',
  ContainerPrune: 'POST /containers/prune',
  ContainerPrunePreview: 'GET /containers/prune',
  ContainerDelete: 'DELETE /containers/{id}',

  ContainerExec: 'POST /containers/{id}/exec',
  ExecStart: 'POST /exec/{id}/start',
  ExecResize: 'POST /exec/{id}/resize',
  ExecInspect: 'GET /exec/{id}/json',

  ImageList: 'GET /images/json',
  ImageCreate: 'POST /images/create',
  ImageLoad: 'POST /images/load',
  ImageGetAll: 'GET /images/get',
  ImageGet: 'GET /images/{name...}/get',
  ImageInspect: 'GET /images/{name...}/json',
  ImageSearch: 'GET /images/search',
  ImageHistory: 'GET /images/{name...}/history',
  ImageCommit: 'POST /commit',
  ImageTag: 'POST /images/{name...}/tag',
  ImagePush: 'POST /images/{name...}/push',
  ImagePrune: 'POST /images/prune',
  ImagePrunePreview: 'GET /images/prune',
  ImageBootstrap: 'POST /images/bootstrap',
  ImageTree: 'GET /images/tree',
  ImageCompare: 'GET /images/{name...}/changes',
  ImageDelete: 'DELETE /images/{name...}',

  SystemAuth: 'POST /auth',
  DistributionInspect: 'GET /distribution/{name...}/json',
  DistributionManifest: 'GET /distribution/{name...}/manifest',
  DistributionManifestPut: 'PUT /distribution/{name...}/manifest',

  NetworkList: 'GET /networks',
  NetworkPrune: 'POST /networks/prune',
  NetworkInspect: 'GET /networks/{id}',
} as const;

export type RouteName = keyof typeof routes;
