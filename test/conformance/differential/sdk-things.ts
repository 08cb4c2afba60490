import type Docker from 'dockerode';
import { actionsSince, readArchive, type SdkScenario } from './by-dockerode.ts';

const image = (docker: Docker, name = 'busybox'): Docker.Image => docker.getImage(name);

/** Images, volumes and networks. */
export const sdkThings: SdkScenario = {
  name: 'images, volumes and networks by dockerode',
  steps: {
    'images by name': async (docker) => {
      const found = await docker.listImages({ filters: { reference: ['busybox'] } });
      return found.map(({ RepoTags, RepoDigests, Containers, Labels }) => ({
        ...{ RepoTags, RepoDigests, Containers, Labels },
      }));
    },
    'tag, and what it is then called': async (docker) => {
      await image(docker).tag({ repo: 'again', tag: 'two' });
      return (await image(docker, 'again:two').inspect()).RepoTags?.sort();
    },
    'tag with a bad name': (docker) => image(docker).tag({ repo: 'UPPER', tag: 'x' }),
    'tag of what is not there': (docker) => image(docker, 'nosuch').tag({ repo: 'x', tag: 'y' }),
    history: async (docker) => ((await image(docker).history()) as { Tags: string[] | null }[]).map(({ Tags }) => Tags),
    'saved archive': async (docker) => {
      const { names } = await readArchive(await image(docker, 'again:two').get());
      return names.filter((name) => name === 'manifest.json' || name === 'repositories').sort();
    },
    'commit of a container': async (docker) => {
      const container = await docker.createContainer({ name: 'one', Image: 'busybox', Cmd: ['touch', '/made'] });
      await container.start();
      await container.wait();
      await container.commit({ repo: 'made', tag: '1', comment: 'by hand', author: 'ann', changes: 'ENV A=b' });
      const { Author, Comment, Config, RootFS } = await image(docker, 'made:1').inspect();
      return { Author, Comment, Env: Config.Env, Cmd: Config.Cmd, layers: RootFS.Layers?.length };
    },
    'removal of one of two names': async (docker) => image(docker, 'again:two').remove(),
    'removal while a container needs it': (docker) => image(docker).remove(),
    'removal of what is not there': (docker) => image(docker, 'nosuch').remove(),
    'pull of a bad name': (docker) => docker.pull('UPPER:x'),
    'prune of dangling ones': async (docker) => (await docker.pruneImages()).ImagesDeleted,

    'volume made': async (docker) => {
      const made = await docker.createVolume({ Name: 'kept', Labels: { a: 'b' } });
      const { Name, Driver, Labels, Scope, Options } = made as unknown as Docker.VolumeInspectInfo;
      return { Name, Driver, Labels, Scope, Options };
    },
    'volume of another driver': (docker) => docker.createVolume({ Name: 'odd', Driver: 'nosuch' }),
    'volumes by label': async (docker) => {
      const { Volumes } = await docker.listVolumes({ filters: JSON.stringify({ label: ['a=b'] }) });
      return Volumes.map(({ Name }) => Name);
    },
    'volume in a container': async (docker) => {
      const container = await docker.createContainer({
        name: 'two',
        Image: 'busybox',
        Cmd: ['sh', '-c', 'echo data >/v/file; mount | grep -c " /v "'],
        HostConfig: { Mounts: [{ Type: 'volume', Source: 'kept', Target: '/v' }] },
      });
      await container.start();
      const ended = await container.wait();
      const [mount] = (await container.inspect()).Mounts;
      const { Type, Name, Destination, RW } = mount ?? {};
      return { ended, mount: { Type, Name, Destination, RW } };
    },
    'volume removed while it is used': async (docker) => {
      await docker
        .getVolume('kept')
        .remove()
        .catch((error: { statusCode: number }) => {
          if (error.statusCode !== 409) throw error;
        });
      await docker.getContainer('two').remove();
      return docker.getVolume('kept').remove();
    },
    'volume that is not there': (docker) => docker.getVolume('kept').inspect(),

    'network made': async (docker) => {
      const network = await docker.createNetwork({
        Name: 'inner',
        Internal: true,
        IPAM: { Driver: 'default', Config: [{ Subnet: '198.18.77.0/24', Gateway: '198.18.77.9' }] },
        Labels: { c: 'd' },
      });
      const { Name, Driver, Scope, Internal, Attachable, IPAM, Labels, Containers } = await network.inspect();
      return { Name, Driver, Scope, Internal, Attachable, IPAM, Labels, Containers };
    },
    'network with a bad subnet': (docker) =>
      docker.createNetwork({ Name: 'bad', IPAM: { Driver: 'default', Config: [{ Subnet: 'x' }] } }),
    'container with a fixed address': async (docker) => {
      const container = await docker.createContainer({
        name: 'three',
        Image: 'busybox',
        Cmd: ['sh', '-c', 'ip -o -4 addr show eth0 | tr -s " " | cut -d" " -f4; sleep 1000'],
        NetworkingConfig: {
          EndpointsConfig: { inner: { IPAMConfig: { IPv4Address: '198.18.77.50' }, Aliases: ['x'] } },
        },
        HostConfig: { NetworkMode: 'inner' },
      });
      await container.start();
      const { IPAddress, Gateway, IPPrefixLen } = (await container.inspect()).NetworkSettings.Networks['inner'] ?? {};
      return { IPAddress, Gateway, IPPrefixLen };
    },
    'connect of another, and who is on it': async (docker) => {
      await docker.getNetwork('inner').connect({ Container: 'one' });
      await docker.getContainer('one').start();
      await docker.getContainer('one').wait();
      const { Containers } = (await docker.getNetwork('inner').inspect()) as { Containers: Record<string, object> };
      return Object.keys(Containers).length;
    },
    'connect twice': (docker) => docker.getNetwork('inner').connect({ Container: 'three' }),
    'network removed while it is used': (docker) => docker.getNetwork('inner').remove(),
    'disconnect by force': (docker) => docker.getNetwork('inner').disconnect({ Container: 'three', Force: true }),
    'disconnect again': (docker) => docker.getNetwork('inner').disconnect({ Container: 'three' }),
    'network removed': async (docker) => {
      await docker.getContainer('three').remove({ force: true });
      await docker.getContainer('one').remove({ force: true });
      return docker.getNetwork('inner').remove();
    },
    'network that is not there': (docker) => docker.getNetwork('inner').inspect(),
    'events of images': async (docker) => {
      const since = Date.now() / 1000;
      await image(docker, 'made:1').tag({ repo: 'told', tag: '1' });
      await image(docker, 'told:1').remove();
      return actionsSince(docker, since, { type: ['image'] });
    },
    'version and what it is': async (docker) => {
      const { Os, Arch, ApiVersion } = await docker.version();
      return { Os, Arch, old: typeof ApiVersion };
    },
  },
};
