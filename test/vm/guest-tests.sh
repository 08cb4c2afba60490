# In the guest: each file of tests within its bound, so that one that hangs takes none of the others with it; the result on the console, the end.
cache=/project/node_modules/.cache
mount -t tmpfs cache $cache # else each start of an engine compiles it
export NODE_COMPILE_CACHE=$cache/vm NODE_COMPILE_CACHE_PORTABLE=1
# What the host has compiled lies under a name made of its processor's features, which the emulated one does not share.
tag=$(node -p 'require("node:v8").cachedDataVersionTag().toString(16).padStart(8, "0")')
mkdir -p $cache/vm
for folder in /project/.vm-compiled/v*; do
  name=${folder##*/}
  cp -r "$folder" "$cache/vm/${name%-*}-$tag"
done
code=0
for file in $(cat /project/.vm-tests); do
  began=$(cut -d. -f1 /proc/uptime)
  timeout -k 10 "$(cat /project/.vm-bound)" node --test --test-reporter=spec "$file"
  last=$?
  [ $last -eq 0 ] || code=$last
  echo "tug-vm: $file: exit $last after $(($(cut -d. -f1 /proc/uptime) - began)) s"
done
echo "tug-vm: exit $code"
exec busybox poweroff -f
