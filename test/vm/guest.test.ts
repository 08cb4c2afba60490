import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loadOrder } from './guest.ts';

const dependencies = `kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio_ring.ko:
kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
`;

it('loads what a module needs before it, and nothing twice', () => {
  assert.deepEqual(loadOrder(dependencies, ['virtio', 'virtio_blk']), [
    'kernel/drivers/virtio/virtio_ring.ko',
    'kernel/drivers/virtio/virtio.ko',
    'kernel/drivers/block/virtio_blk.ko',
  ]);
});

it('says which module the kernel lacks', () => {
  assert.throws(() => loadOrder(dependencies, ['nvme']), /no module nvme/);
});
