import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { stringify } from "yaml";

import { fetchWithin } from "../../scripts/lib/fetchWithin.ts";
import { type Mysql, startMysql, untilReady } from "../service/mysql.ts";
import { fetchAnew, Visitor } from "./blog.ts";
import { Checkout, docker, engineObjects, until } from "./checkout.ts";
import { registryPassword, registryUser, startRegistry, type TestRegistry } from "./registry.ts";

const clusterName = "koa-blog-existing-e2e";
const context = `kind-${clusterName}`;
const nodes = [`${clusterName}-control-plane`, `${clusterName}-worker`];
const nodePort = 30451;
const mysqlImage = process.env.E2E_MYSQL_IMAGE ?? "mysql:9.7.2";
const nodeImage = process.env.E2E_NODE_IMAGE ?? "kindest/node:v1.26.0";

/** An existing cluster with a registry. The tests build on each other, so the first failure stops them. */
describe("A cluster that already exists", () => {
  let checkout: Checkout;
  let registry: TestRegistry;
  let mysql: Mysql | undefined;
  let initially: ReturnType<typeof engineObjects>;
  let namespaces: string;
  const report = (message: string) => {
    console.log(`      ${message}`);
  };
  const kubectl = (...args: string[]) => checkout.kubectl(...args);
  const get = (what: string, path: string) => kubectl("get", what, "--output", `jsonpath={${path}}`);
  const readyz = () =>
    kubectl("get", "--raw", "/api/v1/namespaces/koa-blog/services/koa-blog:http/proxy/readyz").includes("ok");

  before(async () => {
    initially = engineObjects();
    checkout = new Checkout(clusterName, 30452, {}, "existing");
    const kind = (...args: string[]) =>
      execFileSync("kind", args, { input: clusterConfig, stdio: ["pipe", "ignore", "pipe"] });
    kind(
      "create",
      "cluster",
      "--name",
      clusterName,
      "--config",
      "-",
      "--kubeconfig",
      checkout.kubeconfig,
      "--wait",
      "180s",
    );
    kubectl("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=180s");
    registry = startRegistry(`${clusterName}-registry`, 30453, nodes);
    // Docker accepts connections before the registry listens, and closes them.
    await until("the registry answers", 60, async () => {
      const answer = await fetchWithin(2000, `http://${registry.server}/v2/`).catch(() => undefined);
      return answer?.status === 401;
    });
    const mirroredMySql = `${registry.server}/team/mysql:9.7`;
    docker("login", "--username", registryUser, "--password", registryPassword, registry.server);
    execFileSync("sh", ["components/cluster/pushCopy.sh"], {
      env: { ...process.env, IMAGE: mysqlImage, COPY: mirroredMySql },
    });
    docker("logout", registry.server);
    // The current context names another cluster, which does not exist.
    const elsewhere = ["--server", "https://127.0.0.1:1", "--kubeconfig", checkout.kubeconfig];
    execFileSync("kubectl", ["config", "set-cluster", "elsewhere", ...elsewhere]);
    execFileSync("kubectl", ["config", "set-context", "elsewhere", "--cluster", "elsewhere", ...elsewhere.slice(2)]);
    execFileSync("kubectl", ["config", "use-context", "elsewhere", ...elsewhere.slice(2)]);
    namespaces = kubectl("get", "namespaces", "--output", "name");
    checkout.configure({
      kubeconfig: checkout.kubeconfig,
      kubeContext: context,
      blogImage: `${registry.server}/team/koa-blog`,
      mysqlImage: mirroredMySql,
      registryUser,
      nodePort,
      maxReplicas: 4,
      storageClass: "standard",
    });
    checkout.succeeds("pulumi", "config", "set", "--secret", "registryPassword", registryPassword);
  });

  after(async function () {
    try {
      if (this.currentTest?.isFailed()) console.log(kubectl("get", "pods", "--all-namespaces", "--output", "wide"));
    } finally {
      execFileSync("kind", ["delete", "cluster", "--name", clusterName], { stdio: "ignore" });
      registry.remove();
      await mysql?.remove();
      if (!initially.networks.includes("kind")) docker("network", "rm", "kind");
      checkout.remove();
    }
    assert.deepEqual(engineObjects(), initially);
  });

  it("is named, or nothing is done", () => {
    const settings = checkout.read("Pulumi.existing.yaml");
    checkout.configure({ kubeContext: "elsewhere-too" });
    const { status, output } = checkout.npm("up");
    checkout.write("Pulumi.existing.yaml", settings);
    assert.notEqual(status, 0);
    assert.match(output, /has no context "elsewhere-too" with a cluster. Contexts: .*kind-koa-blog-existing-e2e/);
    assert.equal(kubectl("get", "namespaces", "--output", "name"), namespaces);
  });

  it("gets the blog from a registry that wants a password, and answers on a node port", async () => {
    const { seconds } = checkout.succeeds("up");
    report(`up: ${seconds.toFixed(0)} s`);
    const address = docker("inspect", "--format", "{{.NetworkSettings.Networks.kind.IPAddress}}", nodes[1] ?? "");
    const visitor = new Visitor(`http://${address}:${String(nodePort)}`);
    const who = { username: "reader", password: "correct horse battery" };
    assert.equal((await visitor.submit("/auth/register", who)).status, 302);
    assert.equal((await visitor.submit("/auth/login", who)).status, 302);
    assert.equal((await visitor.submit("/create", { title: "Elsewhere", body: "…" })).status, 302);
    assert.match((await visitor.get("/")).text, /Elsewhere/);
    assert.match(checkout.blogImage(), new RegExp(`^${registry.server}/team/koa-blog:[0-9a-f]{16}$`));
    const anonymous = await fetchAnew(`http://${registry.server}/v2/`);
    assert.equal(anonymous.status, 401);
  });

  it("has the volume of the storage class, and the autoscaler", () => {
    assert.equal(get("pvc", ".items[*].spec.storageClassName"), "standard");
    assert.equal(get("hpa/koa-blog", ".spec.minReplicas}-{.spec.maxReplicas"), "2-4");
  });

  it("needs no change when nothing has changed, and says how it is", () => {
    checkout.succeeds("preview", "--expect-no-changes");
    assert.match(checkout.succeeds("status").output, /deployment|pod\/koa-blog-/);
    assert.equal(checkout.read("Pulumi.existing.yaml").includes(registryPassword), false);
    assert.equal(checkout.npm("pulumi", "stack", "export").output.includes(registryPassword), false);
  });

  it("keeps the number of pods that was chosen since, while the blog rolls", () => {
    kubectl("scale", "deployment/koa-blog", "--replicas=3");
    checkout.configure({ logLevel: "debug" });
    checkout.succeeds("up");
    assert.equal(get("deployment/koa-blog", ".spec.replicas"), "3");
    assert.equal(get("deployment/koa-blog", ".status.readyReplicas"), "3");
  });

  it("takes a MySQL from elsewhere, and an Ingress", async () => {
    const password = "a managed database's password";
    mysql = await startMysql({ password });
    await untilReady(mysql);
    docker("network", "connect", "kind", mysql.container);
    const address = docker("inspect", "--format", "{{.NetworkSettings.Networks.kind.IPAddress}}", mysql.container);
    checkout.succeeds("pulumi", "config", "set", "--secret", "mysqlPassword", password);
    checkout.configure({
      mysqlHost: address,
      expose: "Ingress",
      ingressHost: "blog.example.com",
      ingressClass: "nginx",
    });
    checkout.succeeds("up");
    assert.equal(
      kubectl("get", "statefulsets,pods", "--selector", "app.kubernetes.io/name=mysql", "--output", "name"),
      "",
    );
    const ingress = get("ingress/koa-blog", ".spec.rules[0].host} {.spec.ingressClassName");
    assert.equal(ingress, "blog.example.com nginx");
    assert.equal(checkout.outputs().url, "http://blog.example.com");
    assert.ok(readyz());
    assert.match(await mysql.root("SELECT COUNT(*) FROM koa_blog.knex_migrations"), /^[1-9]/);
  });

  it("takes a load balancer, and tells its address when there is one", async () => {
    checkout.configure({ expose: "LoadBalancer", ingressHost: "", ingressClass: "" });
    checkout.succeeds("up");
    assert.equal(checkout.outputs().url, "http://ADDRESS-OF-THE-LOAD-BALANCER");
    const status = { status: { loadBalancer: { ingress: [{ ip: "192.0.2.7" }] } } };
    kubectl("patch", "service/koa-blog", "--subresource=status", "--patch", JSON.stringify(status));
    checkout.succeeds("up");
    assert.equal(checkout.outputs().url, "http://192.0.2.7");
    await until("the blog is ready", 30, readyz);
  });

  it("is left as it was", () => {
    const { seconds } = checkout.succeeds("destroy");
    report(`destroy: ${seconds.toFixed(0)} s`);
    assert.equal(kubectl("get", "namespaces", "--output", "name"), namespaces);
    assert.match(kubectl("get", "nodes", "--no-headers"), /Ready.*\n.*Ready/);
    assert.match(readFileSync(checkout.kubeconfig, "utf8"), /current-context: elsewhere/);
  });
});

const clusterConfig = stringify({
  kind: "Cluster",
  apiVersion: "kind.x-k8s.io/v1alpha4",
  containerdConfigPatches: [
    '[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"',
  ],
  nodes: [
    { role: "control-plane", image: nodeImage },
    { role: "worker", image: nodeImage },
  ],
});
