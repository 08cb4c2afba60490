#!/bin/sh
# In the guest, under whichever init: the project's disk, and what is to be done there.
export PATH=/project/node_modules/.bin:/project/.vm-bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NO_COLOR=1
mount -o ro /dev/vdb /project
echo 'tug-vm: booted'
cd /project || exit
exec sh test/vm/guest-tests.sh
