"""The official Python client (kubernetes; Debian's python3-kubernetes) against `penstock dev`."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from kubernetes import client, config, dynamic, watch
from kubernetes.client.rest import ApiException

PIPES = ("penstock.dev", "v1alpha1", "default", "pipes")


def pipe(name):
    return {
        "apiVersion": "penstock.dev/v1alpha1",
        "kind": "Pipe",
        "metadata": {"name": name},
        "spec": {
            "paused": True,
            "source": {"postgres": {"host": "db.internal", "database": "shop"}},
            "destination": {"clickhouse": {"url": "http://ch.internal:8123"}},
            "tables": [{"source": "public.orders"}],
        },
    }


def eventually(condition, what):
    """What `condition` answers as soon as it is true; fails after twenty seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("not within 20 s: " + what)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="penstock-clients-")
        data = os.path.join(cls.directory, "data")
        kubeconfig = os.path.join(data, "kubeconfig")
        cls.server = subprocess.Popen(
            [os.environ["PENSTOCK"], "dev", "--data-dir", data, "--api", "127.0.0.1:%d" % free_port()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(lambda: os.path.exists(kubeconfig) or cls.server.poll() is not None, "penstock dev serves")
        config.load_kube_config(kubeconfig)
        cls.custom = client.CustomObjectsApi()
        cls.core = client.CoreV1Api()

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def refusal(self, call, *arguments, **named):
        with self.assertRaises(ApiException) as caught:
            call(*arguments, **named)
        return caught.exception

    def names(self, **selection):
        found = self.custom.list_namespaced_custom_object(*PIPES, **selection)
        return [item["metadata"]["name"] for item in found["items"]]

    def remove(self, name):
        self.custom.delete_namespaced_custom_object(*PIPES, name)
        eventually(lambda: name not in self.names(), name + " is gone")

    def test_pipes_are_created_read_listed_replaced_and_deleted(self):
        created = self.custom.create_namespaced_custom_object(*PIPES, pipe("shop"))
        self.assertEqual(created["metadata"]["generation"], 1)
        self.assertEqual(self.refusal(self.custom.create_namespaced_custom_object, *PIPES, pipe("shop")).status, 409)

        def replaced():
            present = self.custom.get_namespaced_custom_object(*PIPES, "shop")
            present["spec"]["sync"]["interval"] = "1s"
            try:
                return self.custom.replace_namespaced_custom_object(*PIPES, "shop", present)
            except ApiException as conflict:  # the controller has written meanwhile
                self.assertEqual(conflict.status, 409)

        self.assertEqual(eventually(replaced, "replaced")["spec"]["sync"]["interval"], "1s")
        bad = pipe("bad")
        bad["spec"]["source"]["postgres"]["port"] = 99999
        refused = self.refusal(self.custom.create_namespaced_custom_object, *PIPES, bad)
        self.assertEqual(refused.status, 422)
        self.assertIn("spec.source.postgres.port", refused.body)
        self.remove("shop")

    def test_pipes_are_patched_by_a_merge_and_by_operations(self):
        self.custom.create_namespaced_custom_object(*PIPES, pipe("patched"))
        self.custom.patch_namespaced_custom_object(*PIPES, "patched", {"metadata": {"labels": {"size": "10"}}})
        self.assertEqual(self.names(label_selector="size>9"), ["patched"])
        self.assertEqual(self.names(label_selector="size<9"), [])
        operations = [{"op": "replace", "path": "/metadata/labels/size", "value": "5"}]
        # For custom objects the client sends a list as a merge patch, which no API server takes.
        refused = self.refusal(self.custom.patch_namespaced_custom_object, *PIPES, "patched", operations)
        self.assertEqual(refused.status, 400)
        self.assertIn("application/json-patch+json", refused.body)
        plain = client.CustomObjectsApi(client.ApiClient())
        plain.api_client.set_default_header("Content-Type", "application/json-patch+json")
        plain.patch_namespaced_custom_object(*PIPES, "patched", operations)
        self.assertEqual(self.names(label_selector="size==5,!none"), ["patched"])
        self.custom.patch_namespaced_custom_object_status(*PIPES, "patched", {"status": {"message": "told"}})
        self.remove("patched")

    def test_lists_come_in_pieces_also_with_a_selector(self):
        for number in range(7):
            self.core.create_namespaced_config_map(
                "default",
                client.V1ConfigMap(
                    metadata=client.V1ObjectMeta(name="piece-%d" % number, labels={"odd": str(number % 2)})
                ),
            )
        names, token = [], None
        while token != "":
            found = self.core.list_namespaced_config_map("default", label_selector="odd=0", limit=2, _continue=token)
            names += [item.metadata.name for item in found.items]
            token = found.metadata._continue or ""
        self.assertEqual(names, ["piece-0", "piece-2", "piece-4", "piece-6"])

    def test_secrets_are_written_in_every_way(self):
        self.core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name="team")))
        secret = client.V1Secret(metadata=client.V1ObjectMeta(name="s"), string_data={"a": "b"})
        self.core.create_namespaced_secret("team", secret)
        self.core.patch_namespaced_secret("s", "team", {"stringData": {"c": "d"}})
        self.core.patch_namespaced_secret("s", "team", [{"op": "add", "path": "/data/e", "value": "Zg=="}])
        data = self.core.read_namespaced_secret("s", "team").data
        self.assertEqual(data, {"a": "Yg==", "c": "ZA==", "e": "Zg=="})
        self.core.replace_namespaced_secret("s", "team", secret)
        self.assertEqual(self.core.read_namespaced_secret("s", "team").data, {"a": "Yg=="})
        for name, key in (("A", "a"), ("a_b", "a"), ("good", "a b"), ("good", "a/b")):
            wrong = client.V1Secret(metadata=client.V1ObjectMeta(name=name), string_data={key: "x"})
            self.assertEqual(self.refusal(self.core.create_namespaced_secret, "team", wrong).status, 422, name + key)
        self.core.delete_namespaced_secret("s", "team")
        self.core.delete_namespace("team")
        eventually(
            lambda: "team" not in [each.metadata.name for each in self.core.list_namespace().items],
            "the namespace is gone",
        )

    def test_watches_see_what_happens(self):
        def add(name):
            self.custom.create_namespaced_custom_object(*PIPES, pipe(name))

        add("watched")
        seen = []
        for event in watch.Watch().stream(self.custom.list_namespaced_custom_object, *PIPES, timeout_seconds=20):
            seen.append((event["type"], event["object"]["metadata"]["name"]))
            if seen[-1] == ("ADDED", "watched"):
                add("later")
            if seen[-1] == ("ADDED", "later"):
                self.custom.delete_namespaced_custom_object(*PIPES, "later")
            if seen[-1] == ("DELETED", "later"):
                break
        self.assertEqual(seen[-1], ("DELETED", "later"))
        self.remove("watched")

    def test_the_events_of_the_longest_name_are_there(self):
        name = ".".join([letter * 63 for letter in "abc"] + ["d" * 61])
        self.custom.create_namespaced_custom_object(*PIPES, pipe(name))

        def events():
            return self.core.list_namespaced_event("default", field_selector="involvedObject.name=" + name).items

        found = eventually(events, "Events of the pipe")
        self.assertLessEqual(len(found[0].metadata.name), 253)
        self.remove(name)

    def test_kinds_are_discovered(self):
        found = dynamic.DynamicClient(client.ApiClient()).resources.get(
            api_version="penstock.dev/v1alpha1", kind="Pipe"
        )
        found.create(namespace="default", body=pipe("dynamic"))
        found.patch(
            namespace="default",
            name="dynamic",
            body={"metadata": {"annotations": {"a": "b"}}},
            content_type="application/merge-patch+json",
        )
        self.assertEqual(found.get(namespace="default", name="dynamic").metadata.annotations.a, "b")
        self.remove("dynamic")


if __name__ == "__main__":
    unittest.main()
