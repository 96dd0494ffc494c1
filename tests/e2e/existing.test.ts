import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { stringify } from "yaml";

import { fetchWithin } from "../../scripts/lib/fetchWithin.ts";
import { Client } from "../client.ts";
import { type Mysql, startMysql, untilReady } from "../service/mysql.ts";
import { until } from "../until.ts";
import { Checkout, docker, engineObjects } from "./checkout.ts";
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
  /** Runs this machine's kubectl. */
  const kubectlHere = (...args: string[]) =>
    execFileSync("kubectl", [...args, "--kubeconfig", checkout.kubeconfig], { encoding: "utf8" });
  const get = (what: string, path: string) => kubectl("get", what, "--output", `jsonpath={${path}}`);
  let visitor: Client;
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
    execFileSync("sh", ["components/kind/scripts/pushImage.sh"], {
      env: { ...process.env, IMAGE: mysqlImage, COPY: mirroredMySql },
    });
    docker("logout", registry.server);
    // The current context names another cluster, which does not exist.
    kubectlHere("config", "set-cluster", "elsewhere", "--server", "https://127.0.0.1:1");
    kubectlHere("config", "set-context", "elsewhere", "--cluster", "elsewhere");
    kubectlHere("config", "use-context", "elsewhere");
    namespaces = kubectl("get", "namespaces", "--output", "name");
    checkout.configure({
      kubeContext: context,
      registry: `${registry.server}/team`,
      mysqlImage: mirroredMySql,
      registryUser,
      nodePort,
      storageClass: "standard",
    });
    checkout.succeeds("pulumi", "config", "set", "--secret", "registryPassword", registryPassword);
    const address = docker("inspect", "--format", "{{.NetworkSettings.Networks.kind.IPAddress}}", nodes[1] ?? "");
    visitor = new Client(`http://${address}:${String(nodePort)}`);
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
    const { containers, networks, volumes } = engineObjects();
    const left = [
      ...containers.filter((name) => !initially.containers.includes(name)),
      ...networks.filter((name) => !initially.networks.includes(name)),
      ...volumes.filter((name) => !initially.volumes.includes(name)),
    ];
    assert.deepEqual(left, []);
  });

  it("is named, or nothing is done", () => {
    checkout.configure({ kubeContext: "elsewhere-too" });
    checkout.refuses(/context "elsewhere-too" does not exist/, "up");
    checkout.configure({ kubeContext: context });
    assert.equal(kubectl("get", "namespaces", "--output", "name"), namespaces);
  });

  it("gets the blog from a registry with a password, behind an Ingress with annotations", () => {
    checkout.configure({
      expose: "Ingress",
      ingressHost: "blog.example.com",
      ingressTlsSecret: "blog-tls",
      ingressAnnotations: '{"cert-manager.io/cluster-issuer": "test"}',
    });
    const { seconds } = checkout.succeeds("up");
    report(`up: ${seconds.toFixed(0)} s`);
    const fields =
      ".spec.rules[0].host} {.spec.tls[0].secretName} {.metadata.annotations.cert-manager\\.io/cluster-issuer";
    assert.equal(get("ingress/koa-blog", fields), "blog.example.com blog-tls test");
    assert.equal(checkout.outputs().url, "https://blog.example.com");
    assert.match(checkout.blogImage(), new RegExp(`^${registry.server}/team/koa-blog:[0-9a-f]{16}$`));
    assert.ok(readyz());
  });

  it("answers on a node port, with the volume of the storage class and the autoscaler", async () => {
    const noIngress = { ingressHost: "", ingressTlsSecret: "", ingressAnnotations: "" };
    checkout.configure({ expose: "NodePort", maxReplicas: 4, ...noIngress });
    checkout.succeeds("up");
    const who = { username: "reader", password: "correct horse battery" };
    assert.equal((await visitor.post("/auth/register", who)).status, 302);
    assert.equal((await visitor.post("/auth/login", who)).status, 302);
    assert.equal((await visitor.post("/create", { title: "Elsewhere", body: "…" })).status, 302);
    assert.match((await visitor.get("/")).text, /Elsewhere/);
    assert.equal(get("pvc", ".items[*].spec.storageClassName"), "standard");
    assert.equal(get("hpa/koa-blog", ".spec.minReplicas}-{.spec.maxReplicas"), "2-4");
  });

  it("needs no change when nothing has changed, even if the cluster has another address", () => {
    const server = () =>
      kubectlHere("config", "view", "--output", `jsonpath={.clusters[?(@.name=='${context}')].cluster.server}`);
    assert.match(server(), /127\.0\.0\.1/);
    kubectlHere("config", "set-cluster", context, "--server", server().replace("127.0.0.1", "localhost"));
    checkout.succeeds("preview", "--refresh", "--expect-no-changes");
    assert.match(checkout.succeeds("status").output, /deployment|pod\/koa-blog-/);
    assert.equal(checkout.read("Pulumi.existing.yaml").includes(registryPassword), false);
    assert.equal(checkout.npm("pulumi", "stack", "export").output.includes(registryPassword), false);
  });

  it("keeps the number of pods that the autoscaler chose, until the autoscaler is removed", () => {
    kubectl("scale", "deployment/koa-blog", "--replicas=3");
    checkout.configure({ logLevel: "debug" });
    checkout.succeeds("up");
    assert.equal(get("deployment/koa-blog", ".spec.replicas"), "3");
    assert.equal(get("deployment/koa-blog", ".status.readyReplicas"), "3");
    checkout.configure({ maxReplicas: "" });
    checkout.succeeds("up");
    assert.equal(get("deployment/koa-blog", ".spec.replicas"), "2");
  });

  it("takes a managed MySQL and a load balancer, and shows its address when there is one", async () => {
    const password = "a managed database's password";
    mysql = await startMysql({ password });
    await untilReady(mysql);
    docker("network", "connect", "kind", mysql.container);
    const address = docker("inspect", "--format", "{{.NetworkSettings.Networks.kind.IPAddress}}", mysql.container);
    checkout.succeeds("pulumi", "config", "set", "--secret", "mysqlPassword", password);
    checkout.configure({ mysqlHost: `${address}:3306`, expose: "LoadBalancer" });
    checkout.succeeds("up");
    const ofMysql = ["--selector", "app.kubernetes.io/name=mysql", "--output", "name"];
    assert.equal(kubectl("get", "statefulsets,pods", ...ofMysql), "");
    assert.ok(readyz());
    assert.match(await mysql.root("SELECT COUNT(*) FROM koa_blog.knex_migrations"), /^[1-9]/);
    assert.match(checkout.succeeds("backup", "managed.sql.gz").output, /^Wrote \d+ bytes/);
    assert.match(checkout.succeeds("restore", "managed.sql.gz").output, /^Restored users: 0, posts: 0\./m);
    assert.equal(kubectl("get", "pods", "--ignore-not-found", "koa-blog-mysql-client"), "");
    assert.equal(checkout.outputs().url, "http://ADDRESS-OF-THE-LOAD-BALANCER");
    const status = { status: { loadBalancer: { ingress: [{ ip: "192.0.2.7" }] } } };
    kubectl("patch", "service/koa-blog", "--subresource=status", "--patch", JSON.stringify(status));
    checkout.succeeds("up");
    assert.equal(checkout.outputs().url, "http://192.0.2.7");
  });

  it("goes back to its own MySQL, whose volume has kept the posts", async () => {
    checkout.succeeds("pulumi", "config", "rm", "mysqlPassword");
    checkout.configure({ mysqlHost: "", expose: "NodePort" });
    checkout.succeeds("up");
    await until("the posts", 30, async () => (await visitor.get("/")).text.includes("Elsewhere"));
  });

  it("is left as it was", () => {
    const { seconds } = checkout.succeeds("destroy", "--yes");
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
