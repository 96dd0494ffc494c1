import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { identityOf } from "../../../components/cluster/identity.ts";
import { kindConfig } from "../../../components/cluster/kindCluster.ts";
import { projectFolder } from "../../../scripts/lib/project.ts";
import { temporaryFolder } from "../../temporaryFolder.ts";

/** Runs a shell script in a temporary folder, with fakes of docker and kind that record their calls. */
class Sandbox {
  readonly folder = temporaryFolder();

  constructor(stubs: { docker?: string; kind?: string }) {
    mkdirSync(join(this.folder, "bin"));
    mkdirSync(join(this.folder, ".state"));
    for (const name of ["docker", "kind"] as const) {
      const text = `#!/bin/sh\necho "${name} $*" >>"$CALLS"\n${stubs[name] ?? ""}\n`;
      writeFileSync(join(this.folder, "bin", name), text, { mode: 0o755 });
    }
  }

  run(script: string, environment: Record<string, string>, input = "") {
    const path = join(projectFolder, "components", "cluster", script);
    return spawnSync("/bin/sh", [path], {
      cwd: this.folder,
      encoding: "utf8",
      input,
      env: {
        ...environment,
        PATH: `${join(this.folder, "bin")}:${String(process.env.PATH)}`,
        CALLS: join(this.folder, "calls"),
        TMPDIR: this.folder,
      },
    });
  }

  get calls(): string[] {
    const path = join(this.folder, "calls");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  }

  has(path: string): boolean {
    return existsSync(join(this.folder, path));
  }

  write(path: string): void {
    writeFileSync(join(this.folder, path), "");
  }
}

describe("The shell script", () => {
  let sandbox: Sandbox;
  const inSandbox = (stubs: ConstructorParameters<typeof Sandbox>[0] = {}) => (sandbox = new Sandbox(stubs));
  const cluster = { CLUSTER: "blog", MARKER: ".state/dev-kind-blog", GENERATION: "42", MERGE_KUBECONFIG: "false" };
  /** The recorded calls, without the random names of files. */
  const calls = () => sandbox.calls.map((call) => call.replace(/\/\S*tmp\.\S+/, "FILE"));

  describe("readGeneration.sh", () => {
    const environment = { CONTAINER: "blog-control-plane", FILE: "/kind/generation" };
    const read = () => sandbox.run("readGeneration.sh", environment);
    const failing = (message: string) => `echo "${message}" >&2; exit 1`;

    it("prints the generation that the container has, running or stopped", () => {
      inSandbox({
        docker: `[ "$2" = blog-control-plane:/kind/generation ] && printf old >generation && tar -cf - generation`,
      });
      const { status, stdout, stderr } = read();
      assert.deepEqual([status, stdout, stderr], [0, "old", ""]);
    });

    for (const message of [
      "Error response from daemon: No such container: blog-control-plane",
      "Error response from daemon: Could not find the file /kind/generation in container blog-control-plane",
    ]) {
      it(`prints another one each time if docker says "${message}"`, () => {
        inSandbox({ docker: failing(message) });
        const [first, second] = [read(), read()];
        assert.match(first.stdout, /^[0-9a-f]{16}$/);
        assert.notEqual(first.stdout, second.stdout);
        assert.deepEqual([first.status, first.stderr], [0, ""]);
      });
    }

    it("fails if the engine does not answer: that does not mean that the container is gone", () => {
      inSandbox({ docker: failing("Cannot connect to the Docker daemon") });
      const { status, stdout, stderr } = read();
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr, /blog-control-plane cannot be read: Cannot connect to the Docker daemon/);
    });
  });

  describe("createKindCluster.sh", () => {
    const kind = (clusters: string, create = "cat >stdin") =>
      `case "$1 $2" in "get clusters") printf '${clusters}' ;; "get kubeconfig") echo KUBECONFIG ;; "create cluster") ${create} ;; esac`;
    const create = () => sandbox.run("createKindCluster.sh", cluster, "config\n");

    it("creates it from stdin, writes its generation, and prints nothing but the kubeconfig", () => {
      inSandbox({ kind: kind("other\\n") });
      const { status, stdout } = create();
      assert.deepEqual([status, stdout], [0, "KUBECONFIG\n"]);
      assert.equal(readFileSync(join(sandbox.folder, "stdin"), "utf8"), "config\n");
      assert.deepEqual(calls(), [
        "kind get clusters --quiet",
        "kind create cluster --name blog --config - --kubeconfig FILE --retain",
        "docker exec blog-control-plane sh -c printf %s '42' >/kind/generation",
        "kind get kubeconfig --name blog",
      ]);
      assert.equal(readFileSync(join(sandbox.folder, cluster.MARKER), "utf8"), "42");
    });

    it("refuses a cluster of that name that the state does not know, another stack's too, and leaves it alone", () => {
      inSandbox({ kind: kind("blog\\n") });
      sandbox.write(".state/other-kind-blog");
      const { status, stderr } = create();
      assert.equal(status, 1);
      assert.match(stderr, /a kind cluster 'blog' that this stack does not know/);
      assert.match(stderr, /kind delete cluster --name blog".*\n.*npm run pulumi -- config set clusterName NAME/);
      assert.deepEqual(calls(), ["kind get clusters --quiet"]);
    });

    it("deletes first what an interrupted run left of it", () => {
      inSandbox({ kind: kind("blog\\n") });
      sandbox.write(cluster.MARKER);
      assert.equal(create().status, 0);
      assert.equal(calls()[1], "kind delete cluster --name blog --kubeconfig FILE");
    });

    it("leaves nothing behind if kind fails", () => {
      inSandbox({ kind: kind("", "echo no space left >&2; exit 1") });
      const { status, stdout, stderr } = create();
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr, /no space left/);
      assert.equal(calls().at(-1), "kind delete cluster --name blog --kubeconfig FILE");
    });
  });

  describe("configureMirror.sh", () => {
    it("tells each node to ask the registry first, and each worker to pull what pods will need", () => {
      const docker = `case "$1 $2" in "exec -i") cat >"$3.toml" ;; esac`;
      inSandbox({ docker, kind: `echo "blog-control-plane blog-worker"` });
      sandbox.write(cluster.MARKER);
      const { status } = sandbox.run("configureMirror.sh", {
        ...{ CLUSTER: "blog", REGISTRY: "blog-registry.svc:5000", MARKER: cluster.MARKER },
        IMAGES: "docker.io/library/mysql:9 localhost:5001/koa-blog:1",
      });
      assert.equal(status, 0);
      assert.ok(!sandbox.has(cluster.MARKER), "the cluster is in the state by now");
      const certs = "/etc/containerd/certs.d";
      const write = `sh -c mkdir -p ${certs}/_default && cat >${certs}/_default/hosts.toml`;
      const pull = `docker exec --detach blog-worker ctr --namespace k8s.io images pull --hosts-dir ${certs}`;
      assert.deepEqual(calls(), [
        "kind get nodes --name blog",
        `docker exec -i blog-control-plane ${write}`,
        `docker exec -i blog-worker ${write}`,
        `${pull} docker.io/library/mysql:9`,
        `${pull} localhost:5001/koa-blog:1`,
      ]);
      const hosts = '[host."http://blog-registry.svc:5000"]\n  capabilities = ["pull", "resolve"]\n';
      for (const node of ["blog-control-plane", "blog-worker"]) {
        assert.equal(readFileSync(join(sandbox.folder, `${node}.toml`), "utf8"), hosts);
      }
    });
  });

  describe("createKindNetwork.sh", () => {
    const create = (docker: string) => {
      inSandbox({ docker });
      return sandbox.run("createKindNetwork.sh", {}).status;
    };
    const options = "--driver bridge --opt com.docker.network.bridge.enable_ip_masquerade=true";

    it("leaves a network that exists alone", () => {
      assert.equal(create(""), 0);
      assert.deepEqual(calls(), ["docker network inspect kind"]);
    });

    it("creates it as kind would", () => {
      assert.equal(create(`[ "$2" != inspect ]`), 0);
      assert.equal(calls()[1], `docker network create ${options} --ipv6 --subnet fc00:f853:ccd:e793::/64 kind`);
    });

    it("creates it without IPv6 in an engine without", () => {
      assert.equal(create(`case "$*" in *inspect* | *--ipv6*) exit 1 ;; esac`), 0);
      assert.equal(calls()[2], `docker network create ${options} kind`);
    });

    it("fails if the engine does not create it", () => {
      assert.equal(create("exit 1"), 1);
    });
  });

  describe("pushCopy.sh", () => {
    const copy = "localhost:5001/library/mysql:9";
    const push = (docker: string) => {
      inSandbox({ docker: `case "$*" in *inspect*) echo linux/arm64 ;; ${docker} esac` });
      return sandbox.run("pushCopy.sh", { IMAGE: "mysql:9", COPY: copy });
    };

    it("tags the image, and pushes the platform that the engine has", () => {
      assert.equal(push("").status, 0);
      assert.deepEqual(calls(), [
        `docker tag mysql:9 ${copy}`,
        "docker image inspect --format {{.Os}}/{{.Architecture}} mysql:9",
        `docker push --quiet --platform linux/arm64 ${copy}`,
      ]);
    });

    it("pushes without a platform where Docker does not know the flag", () => {
      const { status, stderr } = push(`*--platform*) echo "unknown flag: --platform" >&2; exit 125 ;;`);
      assert.deepEqual([status, stderr], [0, ""]);
      assert.equal(calls()[3], `docker push --quiet ${copy}`);
    });

    it("fails with Docker's message if the push fails", () => {
      const { status, stderr } = push("push*) echo no basic auth credentials >&2; exit 1 ;;");
      assert.deepEqual([status, stderr], [1, "no basic auth credentials\n"]);
    });

    it("pushes nothing if the engine does not have the image", () => {
      assert.equal(push("tag*) exit 1 ;;").status, 1);
      assert.equal(calls().length, 1);
    });
  });

  describe("deleteKindCluster.sh", () => {
    const remove = (environment = {}) => sandbox.run("deleteKindCluster.sh", { ...cluster, ...environment });

    it("never touches the user's kubeconfig", () => {
      inSandbox();
      sandbox.write(cluster.MARKER);
      assert.equal(remove().status, 0);
      assert.deepEqual(calls(), [
        "docker cp blog-control-plane:/kind/generation -",
        "kind delete cluster --name blog --kubeconfig FILE",
        "docker network rm kind",
      ]);
      assert.ok(!sandbox.has(cluster.MARKER));
    });

    it("removes the context that it was told to add to the user's kubeconfig", () => {
      inSandbox();
      assert.equal(remove({ MERGE_KUBECONFIG: "true" }).status, 0);
      assert.equal(calls()[1], "kind delete cluster --name blog");
    });

    it("leaves a cluster of that name alone that has another generation, and says so", () => {
      inSandbox({ docker: `[ "$1" != cp ] || { printf 43 >generation && tar -cf - generation; }` });
      const { status, stderr } = remove();
      assert.equal(status, 0);
      assert.match(stderr, /kind cluster 'blog' is not the one that this stack created/);
      assert.deepEqual(calls(), ["docker cp blog-control-plane:/kind/generation -"]);
    });

    it("fails if kind fails, and forgets nothing", () => {
      inSandbox({ kind: "exit 1" });
      sandbox.write(cluster.MARKER);
      assert.equal(remove().status, 1);
      assert.ok(sandbox.has(cluster.MARKER));
    });
  });
});

describe("kind's configuration", () => {
  it("has one control plane, which publishes the ports, and workers that are missed soon", () => {
    const mapping = { containerPort: 30423, hostPort: 8080, listenAddress: "127.0.0.1", protocol: "TCP" as const };
    assert.equal(
      kindConfig(2, "kindest/node:v1.26.0", [mapping]),
      `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
kubeadmConfigPatches:
  - |
    apiVersion: kubelet.config.k8s.io/v1beta1
    kind: KubeletConfiguration
    nodeLeaseDurationSeconds: 8
  - |
    apiVersion: kubeadm.k8s.io/v1beta3
    kind: ClusterConfiguration
    controllerManager:
      extraArgs:
        node-monitor-grace-period: 16s
        node-monitor-period: 2s
  - |
    apiVersion: kubeadm.k8s.io/v1beta4
    kind: ClusterConfiguration
    controllerManager:
      extraArgs:
        - name: node-monitor-grace-period
          value: 16s
        - name: node-monitor-period
          value: 2s
containerdConfigPatchesJSON6902:
  - '[{"op":"add","path":"/plugins/io.containerd.grpc.v1.cri/registry","value":{"config_path":"/etc/containerd/certs.d"}}]'
nodes:
  - role: control-plane
    image: kindest/node:v1.26.0
    extraPortMappings:
      - containerPort: 30423
        hostPort: 8080
        listenAddress: 127.0.0.1
        protocol: TCP
  - role: worker
    image: kindest/node:v1.26.0
  - role: worker
    image: kindest/node:v1.26.0
`,
    );
  });

  it("leaves out the ports where there are none", () => {
    assert.ok(!kindConfig(1, "kindest/node:v1.26.0", []).includes("extraPortMappings"));
  });

  it("makes another cluster of the same generation", () => {
    const [two, three] = [2, 3].map((workers) => identityOf("1f", kindConfig(workers, "kindest/node:v1.26.0", [])));
    assert.match(two ?? "", /^1f-[0-9a-f]{8}$/);
    assert.notEqual(two, three);
  });
});
