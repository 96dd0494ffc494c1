import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { projectFolder } from "../../../scripts/lib/project.ts";
import { temporaryFolder } from "../../temporaryFolder.ts";

/** Shell commands by the first arguments that they answer. Other arguments do nothing and succeed. */
type Fake = Record<string, string>;

interface Options {
  docker?: Fake;
  kind?: Fake;
  /** Whether the file exists that marks the cluster as incomplete. */
  incomplete?: boolean;
  environment?: Record<string, string>;
  input?: string;
}

/** Runs a script in an empty home folder, with fakes of the programs that record their calls. */
function run(script: string, { docker = {}, kind = {}, incomplete = false, environment = {}, input = "" }: Options) {
  const folder = temporaryFolder();
  const inFolder = (path: string) => join(folder, path);
  const variables = { CLUSTER: "blog", OWNER: "koa-blog/dev", TOKEN: "koa-blog/dev/1", ...environment };
  const file = inFolder(`.pulumi/kind-cluster/${variables.OWNER}/${variables.CLUSTER}`);
  if (incomplete) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "");
  }
  mkdirSync(inFolder("bin"));
  for (const [name, fake] of Object.entries<Fake>({ docker, kind, sleep: {} })) {
    const record = `echo "${name}\${DOCKER_DEFAULT_PLATFORM:+ for $DOCKER_DEFAULT_PLATFORM} $*" >>calls`;
    const cases = Object.entries(fake).map(([start, command]) => `"${start}"*) ${command} ;;`);
    const text = `#!/bin/sh\n${record}\ncase "$*" in ${cases.join("\n")} esac\n`;
    writeFileSync(inFolder(`bin/${name}`), text, { mode: 0o755 });
  }
  const PATH = `${inFolder("bin")}:${String(process.env.PATH)}`;
  const env = { ...variables, HOME: folder, TMPDIR: folder, PATH };
  const path = join(projectFolder, "components/kind/scripts", `${script}.sh`);
  const { status, stdout, stderr } = spawnSync("/bin/sh", [path], { cwd: folder, encoding: "utf8", input, env });
  const read = (path: string) => (existsSync(inFolder(path)) ? readFileSync(inFolder(path), "utf8") : "");
  return {
    ...{ status, stdout, stderr, read },
    /** The calls, without the random name of the temporary kubeconfig. */
    calls: (read("calls").match(/.+/g) ?? []).map((call) => call.replace(/\S*\/tmp\.\S+/, "FILE")),
    isIncomplete: existsSync(file),
  };
}

const failing = (message: string) => `echo '${message}' >&2; exit 1`;
const noContainer = failing("Error response from daemon: No such container: blog-control-plane");
const noFile = failing("Error response from daemon: Could not find the file /kind/pulumi-token in container c");
const noEngine = failing("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.");
/** Prints the token of a cluster, as `docker cp` does. */
const withToken = (token: string) => `printf %s '${token}' >pulumi-token && tar -cf - pulumi-token`;
const newToken = /^koa-blog\/dev\/[0-9a-f]{16}$/;
const deletion = "kind delete cluster --name blog --kubeconfig FILE";
const nodes = { "ps --all": "echo 01; echo 02" };

describe("readClusterToken.sh", () => {
  const own = withToken("koa-blog/dev/1");
  const cases: [situation: string, cp: string, incomplete: boolean, output: RegExp][] = [
    ["prints the token of its own cluster, running or stopped", own, false, /^koa-blog\/dev\/1$/],
    ["prints the token of its own incomplete cluster", own, true, /^koa-blog\/dev\/1$/],
    ["prints a new token if there is no cluster", noContainer, false, newToken],
    ["prints a new token if an interrupted run left a cluster", noFile, true, newToken],
    ["refuses a cluster without a token", noFile, false, /blog was not created by the Pulumi stack koa-blog\/dev\. /],
    ["refuses another stack's cluster", withToken("koa-blog/dev2/1"), false, /to the Pulumi stack koa-blog\/dev2\. /],
    ["refuses it also if its own one is incomplete", withToken("a/b/1"), true, /to the Pulumi stack a\/b\. /],
    ["fails if the engine does not answer", noEngine, false, /cannot be read: Cannot connect/],
    ["fails so with an incomplete cluster too", noEngine, true, /cannot be read: Cannot connect/],
  ];
  for (const [situation, cp, incomplete, output] of cases) {
    it(situation, () => {
      const docker = { "cp blog-control-plane:/kind/pulumi-token -": cp };
      const { status, stdout, stderr } = run("readClusterToken", { docker, incomplete });
      const isRefused = output.source.includes(" ");
      assert.match(isRefused ? stderr : stdout, output);
      assert.deepEqual([status, isRefused ? stdout : stderr], [isRefused ? 1 : 0, ""]);
    });
  }

  it("never prints the same new token twice", () => {
    const token = () => run("readClusterToken", { docker: { cp: noContainer } }).stdout;
    assert.notEqual(token(), token());
  });
});

describe("createCluster.sh", () => {
  const kind = (clusters: string, create = "cat >stdin"): Fake => ({
    "get clusters": `printf '${clusters}'`,
    "get kubeconfig": "echo KUBECONFIG",
    "create cluster": create,
  });
  const create = (options: Options) => run("createCluster", { input: "configuration\n", ...options });
  const creation = [
    "kind create cluster --name blog --config - --kubeconfig FILE --retain",
    "docker exec blog-control-plane sh -c printf %s 'koa-blog/dev/1' >/kind/pulumi-token",
    "kind get kubeconfig --name blog",
  ];

  it("creates a cluster from stdin for the engine's platform, writes the token, and prints only the kubeconfig", () => {
    const environment = { DOCKER_DEFAULT_PLATFORM: "linux/s390x" };
    const { status, stdout, calls, isIncomplete, read } = create({ kind: kind("other\\n"), environment });
    assert.deepEqual([status, stdout, isIncomplete], [0, "KUBECONFIG\n", true]);
    assert.equal(read("stdin"), "configuration\n");
    assert.deepEqual(calls, ["kind get clusters --quiet", ...creation]);
  });

  it("refuses a cluster that the state does not know, and leaves it alone", () => {
    const { status, stderr, calls, isIncomplete } = create({ kind: kind("other\\nblog\\n") });
    assert.deepEqual([status, calls, isIncomplete], [1, ["kind get clusters --quiet"], false]);
    assert.match(stderr, /a kind cluster 'blog' that this stack does not know.*kind delete cluster --name blog\n$/);
  });

  it("takes a dot in the name for a dot", () => {
    assert.equal(create({ kind: kind("myxblog\\n"), environment: { CLUSTER: "my.blog" } }).status, 0);
  });

  it("deletes first what an interrupted run left", () => {
    const { status, calls } = create({ kind: kind("blog\\n"), incomplete: true });
    assert.deepEqual([status, calls.slice(1)], [0, [deletion, ...creation]]);
  });

  for (const [failure, options] of [
    ["kind fails", { kind: kind("", "echo no space left >&2; exit 1") }],
    ["the token cannot be written", { kind: kind(""), docker: { exec: "echo no space left >&2; exit 1" } }],
  ] as const) {
    it(`leaves neither a cluster nor the file of an incomplete one if ${failure}`, () => {
      const { status, stdout, stderr, calls, isIncomplete } = create(options);
      assert.deepEqual([status, stdout, calls.at(-1), isIncomplete], [1, "", deletion, false]);
      assert.match(stderr, /no space left/);
    });
  }

  it("creates nothing if kind does not list the clusters", () => {
    const { status, calls } = create({ kind: { "get clusters": noEngine } });
    assert.deepEqual([status, calls], [1, ["kind get clusters --quiet"]]);
  });
});

describe("deleteCluster.sh", () => {
  const notOurs = /'blog' is not the one that this stack created, and was not deleted/;
  const unreadable = /cannot be read: Cannot connect/;
  const cases: [situation: string, cp: string, incomplete: boolean, refusal?: RegExp][] = [
    ["deletes the cluster with its token", withToken("koa-blog/dev/1"), false],
    ["deletes it also if it is incomplete", withToken("koa-blog/dev/1"), true],
    ["deletes what an interrupted run left", noFile, true],
    ["leaves a cluster without a token", noFile, false, notOurs],
    ["leaves a cluster without a control plane", noContainer, false, notOurs],
    ["leaves a cluster with another token", withToken("koa-blog/dev/2"), false, notOurs],
    ["leaves it although its own one is incomplete", withToken("koa-blog/dev/2"), true, notOurs],
    ["fails if the token cannot be read", noEngine, false, unreadable],
    ["fails so with an incomplete cluster too", noEngine, true, unreadable],
  ];
  for (const [situation, cp, incomplete, refusal] of cases) {
    it(situation, () => {
      const { status, stderr, calls, isIncomplete } = run("deleteCluster", { docker: { ...nodes, cp }, incomplete });
      assert.equal(status, refusal === unreadable ? 1 : 0);
      assert.match(stderr, refusal ?? /^$/);
      const isDeleted = calls.includes("docker rm --force --volumes 01 02");
      assert.deepEqual([isDeleted, isIncomplete], [!refusal, incomplete && refusal !== undefined]);
    });
  }

  it("does nothing if there is no such cluster", () => {
    const { status, calls } = run("deleteCluster", { incomplete: true });
    assert.deepEqual([status, calls], [0, ["docker ps --all --quiet --filter label=io.x-k8s.kind.cluster=blog"]]);
  });

  it("needs no kind, which a machine without a network cannot download", () => {
    const { calls } = run("deleteCluster", { docker: { ...nodes, cp: withToken("koa-blog/dev/1") } });
    assert.ok(calls.every((call) => call.startsWith("docker ")));
  });

  for (const command of ["ps --all", "rm --force"]) {
    it(`fails if "docker ${command}" fails`, () => {
      const docker = { ...nodes, cp: noFile, [command]: noEngine };
      const { status, isIncomplete } = run("deleteCluster", { docker, incomplete: true });
      assert.deepEqual([status, isIncomplete], [1, true]);
    });
  }
});

describe("configureCluster.sh", () => {
  const docker = { "exec -i": 'cat >"$3"' };
  const kind = { "get nodes": "echo blog-control-plane blog-worker" };
  const environment = { REGISTRY: "blog-registry", PORT: "5001" };
  const kubectl = "kubectl --kubeconfig /etc/kubernetes/admin.conf";
  const wait = `docker exec blog-control-plane ${kubectl} get serviceaccount default`;

  it("tells each node, and programs such as Tilt, where the registry is", () => {
    const { status, calls, isIncomplete, read } = run("configureCluster", {
      ...{ docker, kind, environment },
      incomplete: true,
    });
    assert.deepEqual([status, isIncomplete], [0, false]);
    const folder = "/etc/containerd/certs.d/localhost:5001";
    const write = `sh -c mkdir -p ${folder} && cat >${folder}/hosts.toml`;
    assert.deepEqual(calls, [
      "kind get nodes --name blog",
      `docker exec -i blog-control-plane ${write}`,
      `docker exec -i blog-worker ${write}`,
      `docker exec -i blog-control-plane ${kubectl} apply -f -`,
      wait,
    ]);
    assert.equal(read("blog-worker"), '[host."http://blog-registry.svc:5000"]\n');
    assert.match(read("blog-control-plane"), /name: local-registry-hosting\n {2}namespace: kube-public\n/);
    assert.match(read("blog-control-plane"), /host: "localhost:5001"\n.*: "blog-registry.svc:5000"\n/);
  });

  it("waits for the account of the first pods, and removes the file, also if there is no registry", () => {
    const slow = { docker: { "exec blog-control-plane": "[ -e seen ] || { touch seen; exit 1; }" }, kind };
    const { status, calls, isIncomplete } = run("configureCluster", { ...slow, incomplete: true });
    assert.deepEqual([status, calls, isIncomplete], [0, [wait, "sleep 0.5", wait], false]);
  });

  for (const [failure, fakes] of [
    ["kind does not list the nodes", { docker, kind: { "get nodes": noEngine } }],
    ["a node does not take the file", { kind, docker: { "exec -i blog-worker": noEngine } }],
    ["the API server does not answer", { kind, docker: { "exec -i blog-control-plane kubectl": noEngine } }],
  ] as const) {
    it(`fails, and the cluster stays incomplete, if ${failure}`, () => {
      const { status, isIncomplete } = run("configureCluster", { ...fakes, environment, incomplete: true });
      assert.deepEqual([status, isIncomplete], [1, true]);
    });
  }
});

const registry = { REGISTRY: "my.registry", IMAGE: "registry:3.1.0", PORT: "5001" };
const containers = (names: string, label = ""): Fake => ({
  "ps --all --format {{.Names}}": `printf '${names}'`,
  "inspect --format": `echo '${label}'`,
  "network inspect bridge": "echo 1450",
  logs: "echo listening on [::]:5000",
});

describe("readRegistryToken.sh", () => {
  const read = (docker: Fake) => run("readRegistryToken", { docker, environment: registry });

  it("prints the token of the registry, running or stopped", () => {
    assert.equal(read(containers("my.registry\\n", "koa-blog/dev/1")).stdout, "koa-blog/dev/1");
  });

  it("prints a new token if there is no registry, also if another name has a letter for the dot", () => {
    for (const names of ["", "myxregistry\\n"]) assert.match(read(containers(names)).stdout, newToken);
  });

  for (const label of ["", "koa-blog/dev2/1"]) {
    it(`refuses a container with the label "${label}"`, () => {
      const { status, stdout, stderr } = read(containers("my.registry\\n", label));
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr, /was not created by the Pulumi stack koa-blog\/dev\..*docker rm --force my.registry\n$/);
    });
  }

  it("fails if the engine does not answer", () => {
    const { status, stdout } = read({ ps: noEngine });
    assert.deepEqual([status, stdout], [1, ""]);
  });
});

describe("createRegistry.sh", () => {
  const create = (docker: Fake, environment = {}) =>
    run("createRegistry", { docker, environment: { ...registry, ...environment } });
  const start =
    "docker run --detach --name my.registry --restart unless-stopped --label kind-cluster.token=koa-blog/dev/1" +
    " --network kind --network-alias my.registry.svc --publish 127.0.0.1:5001:5000 registry:3.1.0";
  const network = (subnet: string, mtu = "--opt com.docker.network.driver.mtu=1450 ") =>
    "docker network create --driver bridge --opt com.docker.network.bridge.enable_ip_masquerade=true " +
    `${mtu}${subnet && `--ipv6 --subnet ${subnet} `}kind`;
  const [first, second] = [network("fc00:f853:ccd:e793::/64"), network("fc00:f853:ccd:e794::/64")];
  const ofNetwork = (calls: string[]) => calls.filter((call) => call.startsWith("docker network create"));

  it("starts a registry for this machine and the nodes, on the engine's platform, and waits until it listens", () => {
    const { status, stdout, calls } = create(
      { ...containers("myxregistry\\n"), run: "echo 0123" },
      { DOCKER_DEFAULT_PLATFORM: "linux/s390x" },
    );
    assert.deepEqual([status, stdout], [0, "0123\n"]);
    assert.deepEqual(calls.slice(1), ["docker network inspect kind", start, "docker logs my.registry"]);
  });

  it("replaces the registry with its token, which an update or a killed run left, and no other", () => {
    const own = 'case "$*" in *"label=kind-cluster.token=koa-blog/dev/1") echo 0123 ;; esac';
    const { status, calls } = create({ ...containers(""), ps: own });
    assert.equal(status, 0);
    const removal = calls.indexOf("docker rm --force --volumes 0123");
    assert.ok(removal > 0 && removal < calls.indexOf(start), calls.join("\n"));
    assert.ok(!create(containers("")).calls.some((call) => call.startsWith("docker rm")));
  });

  it("creates the network with the MTU of the default network, and with another IPv6 subnet or none if needed", () => {
    const missing = { ...containers(""), "network inspect kind": "exit 1" };
    const refusing = (...options: string[]) =>
      create({ "network create": `case "$*" in ${options.join("|")}) exit 1 ;; esac`, ...missing });
    assert.deepEqual(ofNetwork(refusing("none").calls), [first]);
    assert.deepEqual(ofNetwork(refusing("*:e793:*").calls), [first, second]);
    const without = refusing("*--ipv6*");
    assert.deepEqual([without.status, ofNetwork(without.calls)], [0, [first, second, network("")]]);
    assert.equal(refusing("*").status, 1);
    const { calls } = create({ ...missing, "network inspect bridge": "echo" });
    assert.deepEqual(ofNetwork(calls), [network("fc00:f853:ccd:e793::/64", "")]);
  });

  it("fails with the log of a registry that does not listen", () => {
    const { status, stderr } = create({ ...containers(""), logs: "echo invalid configuration" });
    assert.equal(status, 1);
    assert.match(stderr, /^invalid configuration\nThe registry my\.registry does not listen after 30 s/m);
  });

  it("fails if the engine does not answer, or does not start the registry", () => {
    for (const command of ["ps", "run"]) assert.equal(create({ [command]: noEngine, ...containers("") }).status, 1);
  });
});

describe("deleteRegistry.sh", () => {
  const remove = (container: string, users: string, docker: Fake = {}) =>
    run("deleteRegistry", {
      docker: {
        ...docker,
        "ps --all --quiet --filter label=kind-cluster.token=koa-blog/dev/1": container,
        "ps --all --quiet --filter network=kind": users,
      },
      environment: registry,
    });
  const actions = (calls: string[]) => calls.filter((call) => !call.startsWith("docker ps"));
  const networkRemoval = "docker network rm kind";
  const removal = "docker rm --force --volumes 1f2e";

  for (const [situation, container, users, expected] of [
    ["deletes the registry with its token and the unused network", "echo 1f2e", "", [removal, networkRemoval]],
    ["leaves the network while a container uses it, running or stopped", "echo 1f2e", "echo 3d4c", [removal]],
    ["leaves a registry with another token", "", "echo 3d4c", []],
  ] as const) {
    it(situation, () => {
      const { status, calls } = remove(container, users);
      assert.deepEqual([status, actions(calls)], [0, expected]);
    });
  }

  it("succeeds without a network, and fails if the engine does not answer", () => {
    assert.equal(remove("", "", { "network rm": failing("network kind not found") }).status, 0);
    assert.equal(remove(noEngine, "").status, 1);
    assert.equal(remove("", noEngine).status, 1);
    assert.equal(remove("echo 1f2e", "", { rm: noEngine }).status, 1);
  });
});

describe("pushImage.sh", () => {
  const push = (present: string, docker: Fake = {}) =>
    run("pushImage", {
      docker: { version: "echo linux/arm64", "image inspect": present, ...docker },
      environment: { IMAGE: "mysql:9", COPY: "localhost:5001/mysql:9", DOCKER_DEFAULT_PLATFORM: "linux/s390x" },
    });
  const inspection = [
    "docker version --format {{.Server.Os}}/{{.Server.Arch}}",
    "docker image inspect --format {{.Os}}/{{.Architecture}} mysql:9",
  ];
  const pull = "docker pull --quiet --platform linux/arm64 mysql:9";
  const copy = ["docker tag mysql:9 localhost:5001/mysql:9"];
  const pushed = "docker push --quiet --platform linux/arm64 localhost:5001/mysql:9";

  for (const [situation, present, expected] of [
    ["pushes an image that the engine has", "echo linux/arm64", [...copy, pushed]],
    ["pulls an image that the engine lacks", "echo; exit 1", [pull, ...copy, pushed]],
    ["pulls an image of another platform than the engine's", "echo linux/amd64", [pull, ...copy, pushed]],
  ] as const) {
    it(situation, () => {
      const { status, calls } = push(present);
      assert.deepEqual([status, calls], [0, [...inspection, ...expected]]);
    });
  }

  it("pushes without a platform if Docker does not know that option", () => {
    const refusal = "echo 'unknown flag: --platform' >&2; exit 125";
    const { status, stderr, calls } = push("echo linux/arm64", { "push --quiet --platform": refusal });
    assert.deepEqual([status, stderr, calls.at(-1)], [0, "", "docker push --quiet localhost:5001/mysql:9"]);
  });

  for (const command of ["version", "pull", "tag", "push"]) {
    it(`fails with Docker's message if "docker ${command}" fails`, () => {
      const { status, stderr } = push("exit 1", { [command]: failing("no basic auth credentials") });
      assert.deepEqual([status, stderr], [1, "no basic auth credentials\n"]);
    });
  }
});
