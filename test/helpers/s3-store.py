"""An S3 store for the tests: OpenStack Swift (Debian's python3-swift) with its S3 API, all four servers in one process.

s3-store.py FOLDER ACCESS_KEY SECRET_KEY PORT
Prints the port once it listens; what is stored lies in FOLDER, and waits for no disk. It ends with its stdin.
"""
import os
import socket
import sys

import eventlet

eventlet.monkey_patch()

from eventlet import wsgi  # noqa: E402

folder, access_key, secret_key, port = sys.argv[1:5]
os.fsync = os.fdatasync = lambda descriptor: None

os.makedirs(os.path.join(folder, "devices/d1"), exist_ok=True)
with open(os.path.join(folder, "swift.conf"), "w") as conf:
    conf.write("[swift-hash]\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = one\ndefault = yes\n")

from swift.common import utils  # noqa: E402

utils.SWIFT_CONF_FILE = os.path.join(folder, "swift.conf")
utils.HASH_PATH_SUFFIX = b"tests"
from swift.common import storage_policy  # noqa: E402

storage_policy.reload_storage_policies()

from swift.common import db  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.account import server as account_server  # noqa: E402
from swift.container import server as container_server  # noqa: E402
from swift.obj import server as object_server  # noqa: E402
from swift.proxy import server as proxy_server  # noqa: E402
from swift.common.middleware import (  # noqa: E402
    bulk, catch_errors, copy, dlo, gatekeeper, listing_formats, slo, tempauth)
from swift.common.middleware.s3api import s3api  # noqa: E402


connect = db.get_db_connection


def connect_loosely(*args, **kwargs):
    connection = connect(*args, **kwargs)
    connection.execute("PRAGMA synchronous = OFF")
    return connection


db.get_db_connection = connect_loosely


class Quiet:
    def write(self, *args):
        pass

    def flush(self):
        pass

    def info(self, *args, **kwargs):
        pass

    debug = info


class Remembered:
    """Stands for memcached, which Swift keeps what it knows of accounts and buckets in."""

    def __init__(self, app):
        self.app = app
        self.kept = {}

    def __call__(self, env, start_response):
        env["swift.cache"] = self
        return self.app(env, start_response)

    def get(self, key, *args, **kwargs):
        return self.kept.get(key)

    def set(self, key, value, *args, **kwargs):
        self.kept[key] = value

    def delete(self, key, *args, **kwargs):
        self.kept.pop(key, None)

    def incr(self, key, delta=1, *args, **kwargs):
        self.kept[key] = self.kept.get(key, 0) + delta
        return self.kept[key]


def listener(number=0):
    sock = eventlet.listen(("127.0.0.1", number), backlog=256)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


common = {
    "swift_dir": folder, "devices": os.path.join(folder, "devices"), "mount_check": "false",
    "conn_timeout": "60", "node_timeout": "60", "container_update_timeout": "60", "recoverable_node_timeout": "60",
    "fallocate_reserve": "0", "disable_fallocate": "true", "log_level": os.environ.get("SWIFT_LOG", "ERROR"),
    "auto_create_account_prefix": ".", "bind_port": "0", "sorting_method": "shuffle",
    "account_autocreate": "true",
}
sockets = {kind: listener() for kind in ("account", "container", "object")}
for kind, sock in sockets.items():
    builder = RingBuilder(1, 1, 1)
    builder.add_dev({"region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1", "port": sock.getsockname()[1],
                     "device": "d1", "replication_ip": "127.0.0.1", "replication_port": sock.getsockname()[1]})
    builder.rebalance()
    builder.get_ring().save(os.path.join(folder, kind + ".ring.gz"))

apps = {
    "account": account_server.AccountController(common),
    "container": container_server.ContainerController(common),
    "object": object_server.ObjectController(common),
}
for kind, app in apps.items():
    eventlet.spawn(wsgi.server, sockets[kind], app, max_size=1024, log=Quiet(), log_output=False)

proxy = proxy_server.Application(common)
for factory, own in (
    (dlo.filter_factory, {}),
    (slo.filter_factory, {"max_manifest_segments": "10000"}),
    (bulk.filter_factory, {}),
    (copy.filter_factory, {}),
    (tempauth.filter_factory, {"user_" + access_key.replace(":", "_"): secret_key + " .admin"}),
    (s3api.filter_factory, {"s3_acl": "false", "location": "us-east-1", "min_segment_size": "5242880",
                            "max_multi_delete_objects": "1000", "max_upload_part_num": "10000",
                            "auth_pipeline_check": "false"}),
    (listing_formats.filter_factory, {}),
    (gatekeeper.filter_factory, {}),
    (catch_errors.filter_factory, {}),
):
    proxy = factory(dict(common, **own))(proxy)

proxy = Remembered(proxy)
front = listener(int(port))


def until_left():
    eventlet.tpool.execute(sys.stdin.buffer.read)
    os._exit(0)


print(front.getsockname()[1], flush=True)
eventlet.spawn(until_left)
wsgi.server(front, proxy, max_size=1024, log=Quiet(), log_output=False)
