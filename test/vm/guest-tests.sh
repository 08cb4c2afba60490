# In the guest: each file of tests within its bound, so that one that hangs takes none of the others with it; the result on the console, the end.
mount -t tmpfs cache /project/node_modules/.cache # else each start of an engine compiles it
export NODE_COMPILE_CACHE=/project/node_modules/.cache/tests
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
