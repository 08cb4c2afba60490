#!/bin/sh
# In the guest, under whichever init: the project's disk, the tests, the result on the console, the end.
export PATH=/project/node_modules/.bin:/project/.vm-bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NO_COLOR=1
mount -o ro /dev/vdb /project
echo 'tug-vm: booted'
cd /project || exit
node --test --test-reporter=spec $(cat /project/.vm-tests)
echo "tug-vm: exit $?"
exec busybox poweroff -f
