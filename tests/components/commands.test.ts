import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { loadImage, withoutDigest } from "../../components/clusterImages.ts";
import { identityOf, kindConfig, workerNodes } from "../../components/kindCluster.ts";
import { createCluster, deleteCluster, marker, readGeneration } from "../../components/kindCommands.ts";

/** Runs a shell command in a folder of its own, with stand-ins for docker and kind that note their calls. */
class Sandbox {
  readonly folder = mkdtempSync(join(tmpdir(), "koa-blog-"));

  constructor(stubs: { docker?: string; kind?: string }) {
    mkdirSync(join(this.folder, "bin"));
    mkdirSync(join(this.folder, ".state"));
    for (const name of ["docker", "kind"] as const) {
      const path = join(this.folder, "bin", name);
      writeFileSync(path, `#!/bin/sh\necho "${name} $*" >>"$CALLS"\n${stubs[name] ?? ""}\n`);
      chmodSync(path, 0o755);
    }
  }

  run(command: string, environment: Record<string, string> = {}) {
    const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", command], {
      cwd: this.folder,
      encoding: "utf8",
      env: {
        ...environment,
        PATH: `${join(this.folder, "bin")}:${String(process.env.PATH)}`,
        CALLS: join(this.folder, "calls"),
        TMPDIR: this.folder,
      },
    });
    return { status, stdout, stderr };
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

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

describe("The shell commands", () => {
  let sandbox: Sandbox;
  const inSandbox = (stubs: ConstructorParameters<typeof Sandbox>[0] = {}) => (sandbox = new Sandbox(stubs));

  afterEach(() => {
    sandbox.remove();
  });

  describe("that reads the cluster's generation", () => {
    const nodeWith = (file: string) =>
      `case "$1" in ps) echo 0123abc ;; cp) mkdir kind; printf %s old-generation >kind/${file}; tar -cf - kind ;; esac`;

    it("prints the one that the node has, running or stopped", () => {
      inSandbox({ docker: nodeWith("generation") });
      assert.equal(sandbox.run(readGeneration("blog")).stdout, "old-generation");
      assert.ok(sandbox.calls[0]?.startsWith("docker ps --all "), sandbox.calls[0]);
    });

    it("prints a new one each time if there is no node", () => {
      inSandbox();
      const [first, second] = [1, 2].map(() => sandbox.run(readGeneration("blog")));
      assert.match(first?.stdout ?? "", /^[0-9a-f]{16}$/);
      assert.notEqual(first?.stdout, second?.stdout);
      assert.deepEqual([first?.status, first?.stderr], [0, ""]);
    });

    it("prints a new one if the cluster was never finished", () => {
      inSandbox({ docker: nodeWith("version") });
      assert.match(sandbox.run(readGeneration("blog")).stdout, /^[0-9a-f]{16}$/);
    });

    it("fails if the node is there but cannot be read: that does not mean that the cluster is gone", () => {
      inSandbox({ docker: `case "$1" in ps) echo 0123abc ;; cp) echo "timeout" >&2; exit 1 ;; esac` });
      const { status, stdout, stderr } = sandbox.run(readGeneration("blog"));
      assert.deepEqual([status, stdout, stderr], [1, "", "timeout\n"]);
    });

    it("fails if the engine cannot be reached", () => {
      inSandbox({ docker: `echo "Cannot connect to the Docker daemon" >&2; exit 1` });
      const { status, stdout, stderr } = sandbox.run(readGeneration("blog"));
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr, /Cannot connect/);
    });
  });

  describe("that makes the cluster", () => {
    const kind = (clusters: string, create = "cat >stdin") =>
      `case "$1 $2" in "get clusters") printf '${clusters}' ;; "get kubeconfig") echo KUBECONFIG ;; "create cluster") ${create} ;; esac`;

    it("makes it from stdin, waits for all nodes, writes its generation, and prints nothing but the kubeconfig", () => {
      inSandbox({ kind: kind("other\\n") });
      const { status, stdout } = sandbox.run(`echo config | { ${createCluster("dev", "blog")}\n}`, {
        GENERATION: "42",
      });
      assert.deepEqual([status, stdout], [0, "KUBECONFIG\n"]);
      assert.equal(readFileSync(join(sandbox.folder, "stdin"), "utf8"), "config\n");
      const calls = sandbox.calls.map((call) => call.replace(/--kubeconfig \S+tmp\S+/, "--kubeconfig FILE"));
      assert.deepEqual(calls, [
        "kind get clusters --quiet",
        "kind create cluster --name blog --config - --kubeconfig FILE --wait 180s --retain",
        "docker exec blog-control-plane kubectl --kubeconfig /etc/kubernetes/admin.conf wait nodes --all --for=condition=Ready --timeout=180s",
        "docker exec blog-control-plane sh -c printf %s '42' >/kind/generation",
        "kind get kubeconfig --name blog",
      ]);
      assert.ok(sandbox.has(marker("dev", "blog")));
    });

    it("refuses a cluster of that name that it did not make, another stack's too, and leaves it alone", () => {
      inSandbox({ kind: kind("blog\\n") });
      sandbox.write(marker("other", "blog"));
      const { status, stderr } = sandbox.run(createCluster("dev", "blog"));
      assert.equal(status, 1);
      assert.match(stderr, /a kind cluster 'blog' that this stack did not make/);
      assert.match(stderr, /kind delete cluster --name blog.*\n?.*pulumi config set clusterName NAME/);
      assert.deepEqual(sandbox.calls, ["kind get clusters --quiet"]);
    });

    it("deletes first what an interrupted run left of it", () => {
      inSandbox({ kind: kind("blog\\n") });
      sandbox.write(marker("dev", "blog"));
      assert.equal(sandbox.run(createCluster("dev", "blog"), { GENERATION: "42" }).status, 0);
      assert.equal(sandbox.calls[1], "kind delete cluster --name blog");
    });

    it("leaves nothing behind if kind fails", () => {
      inSandbox({ kind: kind("", "echo no space left >&2; exit 1") });
      const { status, stdout, stderr } = sandbox.run(createCluster("dev", "blog"));
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr, /no space left/);
      assert.equal(sandbox.calls.at(-1), "kind delete cluster --name blog");
    });
  });

  describe("that deletes the cluster", () => {
    it("removes kind's network with the last cluster", () => {
      inSandbox();
      sandbox.write(marker("dev", "blog"));
      assert.equal(sandbox.run(deleteCluster("dev", "blog")).status, 0);
      assert.deepEqual(sandbox.calls, [
        "kind delete cluster --name blog",
        "kind get clusters --quiet",
        "docker network rm kind",
      ]);
      assert.ok(!sandbox.has(marker("dev", "blog")));
    });

    it("leaves the network to other clusters", () => {
      inSandbox({ kind: `[ "$1" = delete ] || echo other` });
      assert.equal(sandbox.run(deleteCluster("dev", "blog")).status, 0);
      assert.equal(sandbox.calls.at(-1), "kind get clusters --quiet");
    });

    it("fails if kind fails", () => {
      inSandbox({ kind: "exit 1" });
      assert.equal(sandbox.run(deleteCluster("dev", "blog")).status, 1);
    });
  });

  describe("that loads an image", () => {
    const environment = { CLUSTER: "blog", NODES: "blog-worker,blog-worker2", IMAGE: "mysql:9.7.2" };
    const missing = `[ "$1 $2" != "image inspect" ] || exit 1`;
    const calls = () => sandbox.calls.map((call) => call.replaceAll(/\S*\/tmp\.\S+/g, "FILE"));

    it("loads one that the engine has into the nodes that run pods, by an archive", () => {
      inSandbox();
      assert.equal(sandbox.run(loadImage("registry"), environment).status, 0);
      assert.deepEqual(calls(), [
        "docker image inspect mysql:9.7.2",
        "docker image save --output FILE mysql:9.7.2",
        "kind load image-archive FILE --name blog --nodes blog-worker,blog-worker2",
      ]);
    });

    it("pulls one that the engine lacks", () => {
      inSandbox({ docker: missing });
      assert.equal(sandbox.run(loadImage("registry"), environment).status, 0);
      assert.equal(calls()[1], "docker pull mysql:9.7.2");
    });

    it("gives one with a digest a name without", () => {
      inSandbox();
      const image = "mysql:9.7.2@sha256:0123";
      assert.equal(sandbox.run(loadImage("registry"), { ...environment, IMAGE: image }).status, 0);
      assert.deepEqual(calls().slice(1, 3), [
        `docker tag ${image} mysql:9.7.2`,
        "docker image save --output FILE mysql:9.7.2",
      ]);
      assert.equal(withoutDigest(image), "mysql:9.7.2");
    });

    it("says what to do if the engine has lost one that was built, and does not ask a registry for it", () => {
      inSandbox({ docker: missing });
      const { status, stderr } = sandbox.run(loadImage("build"), environment);
      assert.equal(status, 1);
      assert.match(stderr, /has lost the image mysql:9.7.2[^]*npm run up -- --replace/);
      assert.equal(sandbox.calls.length, 1);
    });

    it("fails if kind does, and removes the archive all the same", () => {
      inSandbox({ kind: "exit 1" });
      assert.equal(sandbox.run(loadImage("registry"), environment).status, 1);
      const archive = /--output (\S+)/.exec(sandbox.calls[1] ?? "")?.[1];
      assert.ok(archive && !existsSync(archive), archive);
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

  it("names the workers as kind does", () => {
    assert.deepEqual(workerNodes("blog", 3), ["blog-worker", "blog-worker2", "blog-worker3"]);
  });

  it("makes another cluster of the same generation", () => {
    const [two, three] = [2, 3].map((workers) => identityOf("1f", kindConfig(workers, "kindest/node:v1.26.0", [])));
    assert.match(two ?? "", /^1f-[0-9a-f]{8}$/);
    assert.notEqual(two, three);
  });
});
