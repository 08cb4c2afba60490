#!/bin/busybox sh
# First process of the guest: finds the disk and hands over to its init, or to the one that the kernel's command line names.
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
while read -r module; do $bb insmod "/modules/$module"; done </modules/order
$bb mount -t ext4 /dev/vda /root
exec $bb switch_root /root "${tug_init:-/sbin/tug-vm-init}"
