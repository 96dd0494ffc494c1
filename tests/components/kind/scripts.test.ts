import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { projectFolder } from "../../../scripts/lib/project.ts";
import { temporaryFolder } from "../../temporaryFolder.ts";

/** Shell commands by the first arguments that they answer. Other arguments do nothing and succeed. */
type Fake = Record<string, string>;

/** What brings or starts images fails if a variable of another project chooses the platform. */
const otherPlatform =
  'case "$*$DOCKER_DEFAULT_PLATFORM" in run*s390x | pu*s390x | "create cluster"*s390x) exit 9 ;; esac';

/** Runs a script with fakes of docker and kind that record their calls. A file marks the cluster as incomplete. */
function run(script: string, docker: Fake, kind: Fake = {}, incomplete = false, environment: object = {}) {
  const folder = temporaryFolder();
  const file = join(folder, ".pulumi/kind-cluster/koa-blog/dev/blog");
  if (incomplete) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "");
  }
  for (const [name, fake] of Object.entries<Fake>({ docker, kind, sleep: {} })) {
    const cases = Object.entries(fake).map(([start, command]) => `"${start}"*) ${command} ;;`);
    const text = `#!/bin/sh\n${otherPlatform}\necho "${name} $*" >>calls\ncase "$*" in ${cases.join("\n")} esac\n`;
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  }
  const { status, stdout, stderr } = spawnSync("sh", [join(projectFolder, `components/kind/scripts/${script}.sh`)], {
    cwd: folder,
    encoding: "utf8",
    input: "configuration\n",
    env: {
      ...{ CLUSTER: "blog", OWNER: "koa-blog/dev", TOKEN: "koa-blog/dev/1", DOCKER_DEFAULT_PLATFORM: "linux/s390x" },
      ...{ HOME: folder, TMPDIR: folder, PATH: `${folder}:${String(process.env.PATH)}` },
      ...environment,
    },
  });
  const read = (path: string) => (existsSync(join(folder, path)) ? readFileSync(join(folder, path), "utf8") : "");
  // The temporary kubeconfig has a random name.
  const calls = (read("calls").match(/.+/g) ?? []).map((call) => call.replace(/\S*\/tmp\.\S+/, "FILE"));
  return { status, stdout, stderr, read, calls, isIncomplete: existsSync(file) };
}

const failing = (message: string) => `echo '${message}' >&2; exit 1`;
const noContainer = failing("Error response from daemon: No such container: blog-control-plane");
const noFile = failing("Error response from daemon: Could not find the file /kind/pulumi-token in container c");
const noEngine = failing("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.");
/** Prints the token of a cluster, as `docker cp` does. */
const withToken = (token: string) => `printf %s '${token}' >pulumi-token && tar -cf - pulumi-token`;
const own = withToken("koa-blog/dev/1");
const newToken = /^koa-blog\/dev\/[0-9a-f]{16}$/;
const deletion = "kind delete cluster --name blog --kubeconfig FILE";

describe("The token of a kind cluster", () => {
  const cases: [situation: string, cp: string, incomplete: boolean, output: RegExp, isRefused?: true][] = [
    ["is that of the stack's own cluster, running or stopped", own, false, /^koa-blog\/dev\/1$/],
    ["is new if there is no cluster", noContainer, false, newToken],
    ["is new if an interrupted run left a cluster", noFile, true, newToken],
    ["is refused for a cluster of another program", noFile, false, /was not created by the Pulumi stack/, true],
    ["is refused for another stack's cluster", withToken("koa-blog/dev2/1"), true, /to the Pulumi stack k/, true],
    ["is an error if the Docker engine does not answer", noEngine, false, /cannot be read: Cannot connect/, true],
    ["is that error for an incomplete cluster too", noEngine, true, /cannot be read: Cannot connect/, true],
  ];
  for (const [situation, cp, incomplete, output, isRefused] of cases) {
    it(situation, () => {
      const { status, stdout, stderr } = run("readClusterToken", { cp }, {}, incomplete);
      assert.match(isRefused ? stderr : stdout, output);
      assert.deepEqual([status, isRefused ? stdout : stderr], [isRefused ? 1 : 0, ""]);
    });
  }
});

describe("The creation of a kind cluster", () => {
  const kind = (clusters: string, create = "cat >stdin"): Fake => ({
    "get clusters": `printf '${clusters}'`,
    "get kubeconfig": "echo KUBECONFIG",
    "create cluster": create,
  });
  const list = "kind get clusters --quiet";
  const creation = [
    "kind create cluster --name blog --config - --kubeconfig FILE --retain",
    "docker exec blog-control-plane sh -c printf %s 'koa-blog/dev/1' >/kind/pulumi-token",
    "kind get kubeconfig --name blog",
  ];

  it("reads the configuration, takes the engine's platform, writes the token, and prints the kubeconfig", () => {
    const { status, stdout, calls, isIncomplete, read } = run("createCluster", {}, kind("other\\nblog2\\n"));
    assert.deepEqual([status, stdout, isIncomplete], [0, "KUBECONFIG\n", true]);
    assert.equal(read("stdin"), "configuration\n");
    assert.deepEqual(calls, [list, ...creation]);
  });

  it("leaves a cluster alone that the state does not know", () => {
    for (const [fake, message] of [
      [
        kind("other\\nblog\\n"),
        /kind cluster 'blog' that this stack does not know.*kind delete cluster --name blog\n$/,
      ],
      [{ "get clusters": noEngine }, /Cannot connect/],
    ] as const) {
      const { status, stderr, calls, isIncomplete } = run("createCluster", {}, fake);
      assert.deepEqual([status, calls, isIncomplete], [1, [list], false]);
      assert.match(stderr, message);
    }
  });

  it("deletes first what an interrupted run left", () => {
    const { status, calls } = run("createCluster", {}, kind("blog\\n"), true);
    assert.deepEqual([status, calls], [0, [list, deletion, ...creation]]);
  });

  it("leaves neither a cluster nor the file of an incomplete one if it fails", () => {
    const failure = failing("no space left");
    for (const [docker, fake] of [
      [{}, kind("", failure)],
      [{ exec: failure }, kind("")],
    ] as const) {
      const { status, stdout, stderr, calls, isIncomplete } = run("createCluster", docker, fake);
      assert.deepEqual([status, stdout, calls.at(-1), isIncomplete], [1, "", deletion, false]);
      assert.match(stderr, /no space left/);
    }
  });

  it("deletes nothing if it outlives its run, and the next run has begun", () => {
    const nextRun = "echo 1 >.pulumi/kind-cluster/koa-blog/dev/blog; exit 1";
    const { status, calls, isIncomplete } = run("createCluster", {}, kind("", nextRun));
    assert.deepEqual([status, calls.at(-1), isIncomplete], [1, creation[0], true]);
  });
});

describe("The deletion of a kind cluster", () => {
  const nodes = { "ps --all": "echo 01; echo 02" };
  const notOurs = /'blog' is not the one that this stack created, and was not deleted/;
  const cases: [situation: string, docker: Fake, incomplete: boolean, status: number, message?: RegExp][] = [
    ["removes the nodes of the cluster with its token", { ...nodes, cp: own }, false, 0],
    ["removes what an interrupted run left", { ...nodes, cp: noFile }, true, 0],
    ["leaves a cluster without a token", { ...nodes, cp: noFile }, false, 0, notOurs],
    ["leaves a cluster without a control plane", { ...nodes, cp: noContainer }, false, 0, notOurs],
    ["leaves a cluster with another token", { ...nodes, cp: withToken("koa-blog/dev/2") }, true, 0, notOurs],
    ["fails if the Docker engine does not answer", { "ps --all": noEngine }, true, 1, /Cannot connect/],
    ["fails if the token cannot be read", { ...nodes, cp: noEngine }, true, 1, /cannot be read: Cannot connect/],
    ["fails if the nodes cannot be removed", { ...nodes, cp: noFile, rm: noEngine }, true, 1, /Cannot connect/],
  ];
  for (const [situation, docker, incomplete, status, message] of cases) {
    it(situation, () => {
      const result = run("deleteCluster", docker, {}, incomplete);
      assert.equal(result.status, status);
      assert.match(result.stderr, message ?? /^$/);
      assert.equal(result.isIncomplete, incomplete && message !== undefined);
      const removals = result.calls.filter((call) => !/^docker (ps|cp) /.test(call));
      // A machine without a network may lack kind.
      assert.deepEqual(removals, message && !("rm" in docker) ? [] : ["docker rm --force --volumes 01 02"]);
    });
  }
});

describe("The configuration of a kind cluster", () => {
  const docker = { "exec -i": 'cat >"$3"' };
  const kind = { "get nodes": "echo blog-control-plane blog-worker" };
  const environment = { REGISTRY: "blog-registry", PORT: "5001" };

  it("tells each node, and programs such as Tilt, where the registry is", () => {
    const { status, calls, isIncomplete, read } = run("configureCluster", docker, kind, true, environment);
    assert.deepEqual([status, isIncomplete], [0, false]);
    const folder = "/etc/containerd/certs.d/localhost:5001";
    for (const node of ["blog-control-plane", "blog-worker"]) {
      const write = `docker exec -i ${node} sh -c mkdir -p ${folder} && cat >${folder}/hosts.toml`;
      assert.ok(calls.includes(write), node);
    }
    assert.equal(read("blog-worker"), '[host."http://blog-registry.svc:5000"]\n');
    assert.match(read("blog-control-plane"), /name: local-registry-hosting\n {2}namespace: kube-public\n/);
    assert.match(read("blog-control-plane"), /host: "localhost:5001"\n.*: "blog-registry.svc:5000"\n/);
  });

  it("fails, and the cluster stays incomplete, if a command fails", () => {
    for (const [brokenDocker, brokenKind] of [
      [docker, { "get nodes": noEngine }],
      [{ "exec -i blog-worker": noEngine }, kind],
      [{ "exec -i blog-control-plane kubectl": noEngine }, kind],
    ] as const) {
      const { status, isIncomplete } = run("configureCluster", brokenDocker, brokenKind, true, environment);
      assert.deepEqual([status, isIncomplete], [1, true]);
    }
  });
});

describe("The registry of a kind cluster", () => {
  const environment = { REGISTRY: "my.registry", IMAGE: "registry:3.1.0", PORT: "5001" };
  const runRegistry = (script: string, docker: Fake) => run(script, docker, {}, false, environment);
  const container = (name: string, token = "") => ({ ps: `echo ${name}`, inspect: `echo '${token}'` });
  const listening = { logs: "echo listening on [::]:5000" };

  it("has a token, and a new one if there is no container of its name", () => {
    const own = runRegistry("readRegistryToken", container("my.registry", "koa-blog/dev/1"));
    assert.equal(own.stdout, "koa-blog/dev/1");
    assert.match(runRegistry("readRegistryToken", container("myxregistry")).stdout, newToken);
  });

  it("is refused if another stack or program created the container, or the Docker engine does not answer", () => {
    for (const [docker, message] of [
      [container("my.registry"), /was not created by the Pulumi stack.*docker rm --force my.registry\n$/],
      [container("my.registry", "koa-blog/dev2/1"), /was not created by the Pulumi stack koa-blog\/dev\./],
      [{ ps: noEngine }, /Cannot connect/],
    ] as const) {
      const { status, stdout, stderr } = runRegistry("readRegistryToken", docker);
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr, message);
    }
  });

  it("listens on 127.0.0.1 and in the network of the nodes, in the place of the one with its token", () => {
    const left = 'case "$*" in *"label=kind-cluster.token=koa-blog/dev/1") echo 0123 ;; esac';
    const { status, stdout, calls } = runRegistry("createRegistry", { ...listening, ps: left, run: "echo 4567" });
    assert.deepEqual([status, stdout], [0, "4567\n"]);
    assert.deepEqual(calls.slice(1, -1), [
      "docker rm --force --volumes 0123",
      "docker network inspect kind",
      "docker run --detach --name my.registry --restart unless-stopped --label kind-cluster.token=koa-blog/dev/1" +
        " --network kind --network-alias my.registry.svc --publish 127.0.0.1:5001:5000 registry:3.1.0",
    ]);
  });

  it("is deleted by its token, with the network if no container uses it", () => {
    const remove = (registry: string, users: string) => {
      const owned = "ps --all --quiet --filter label=kind-cluster.token=koa-blog/dev/1";
      const docker = { [owned]: registry, "ps --all --quiet --filter network=kind": users };
      const { status, calls } = runRegistry("deleteRegistry", docker);
      return [status, ...calls.filter((call) => !call.startsWith("docker ps"))];
    };
    const removal = "docker rm --force --volumes 1f2e";
    assert.deepEqual(remove("echo 1f2e", ""), [0, removal, "docker network rm kind"]);
    assert.deepEqual(remove("echo 1f2e", "echo 3d4c"), [0, removal]);
    assert.deepEqual(remove("", "echo 3d4c"), [0]);
    assert.deepEqual(remove(noEngine, ""), [1]);
  });
});

describe("The push of an image to the registry", () => {
  const push = (present: string, docker: Fake = {}) => {
    const environment = { IMAGE: "mysql:9", COPY: "localhost:5001/mysql:9" };
    const fake = { version: "echo linux/arm64", "image inspect": present, ...docker };
    return run("pushImage", fake, {}, false, environment);
  };

  it("comes after a pull if the engine lacks the image for its own platform", () => {
    const pull = "docker pull --quiet --platform linux/arm64 mysql:9";
    const tag = "docker tag mysql:9 localhost:5001/mysql:9";
    const pushed = "docker push --quiet --platform linux/arm64 localhost:5001/mysql:9";
    assert.deepEqual(push("echo linux/arm64").calls.slice(2), [tag, pushed]);
    for (const present of ["echo; exit 1", "echo linux/amd64"]) {
      assert.deepEqual(push(present).calls.slice(2), [pull, tag, pushed]);
    }
  });

  it("names no platform if Docker does not know that option", () => {
    const { status, calls } = push("echo linux/arm64", { "push --quiet --platform": "exit 125" });
    assert.deepEqual([status, calls.at(-1)], [0, "docker push --quiet localhost:5001/mysql:9"]);
  });

  it("fails with Docker's message", () => {
    for (const command of ["version", "pull", "tag", "push"]) {
      const { status, stderr } = push("exit 1", { [command]: failing("no basic auth credentials") });
      assert.deepEqual([status, stderr], [1, "no basic auth credentials\n"]);
    }
  });
});
