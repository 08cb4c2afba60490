#!/bin/sh
# Init of the guest: a bare system with cgroup v2 alone, the tests, the result on the console, the end.
export PATH=/project/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NO_COLOR=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -o ro /dev/vdb /project
ip link set lo up
hostname tug-vm
echo 'tug-vm: booted'
cd /project || exit
node --test --test-reporter=spec $(cat /project/.vm-tests)
echo "tug-vm: exit $?"
exec busybox poweroff -f
