#!/bin/sh
# Init of the bare guest: a system with cgroup v2 alone and nobody who manages it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t securityfs securityfs /sys/kernel/security
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
ln -sfn /proc/self/fd /dev/fd # for process substitution in bash
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
[ ! -d /sys/fs/selinux ] || load_policy -i
ip link set lo up
hostname tug-vm
exec /sbin/tug-vm-tests
