import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import { temporaryFolder } from "../temporaryFolder.ts";
import {
  assertAfter,
  finder,
  isKubernetes,
  isWorkload,
  mainContainer,
  metadataOf,
  podSpec,
  specOf,
} from "./manifest.ts";
import {
  defaultProgram,
  fullProgram,
  givenSecrets,
  type Inputs,
  type Registered,
  runExisting,
  runProgram,
  secretValue,
  withoutSecrets,
} from "./program.ts";

/** Contents of the Secrets by name. Fails if one is not secret in Pulumi. */
function secrets(resources: Registered[]): Inputs {
  const found = resources.filter(({ type }) => type.endsWith(":Secret"));
  return Object.fromEntries(found.map(({ name, inputs }) => [name, secretValue(inputs.stringData)]));
}

/** Fails if a value is outside of the secrets of a request. */
function assertHidden(resources: Registered[], values: string[]): void {
  for (const { name, inputs } of resources) {
    const visible = JSON.stringify(withoutSecrets(inputs));
    for (const value of values) assert.ok(!visible.includes(value), `${name} shows "${value}"`);
  }
}

describe("Passwords, keys and the kubeconfig", () => {
  it("are generated for each role, and secret in Kubernetes, in the state and in the outputs", async () => {
    const { resources, outputs } = await defaultProgram();
    const generated = (name: string) => `result of ${name}`;
    const credentials = {
      mysqlUser: "koa_blog",
      mysqlPassword: generated("configuration-mysql-password"),
      mysqlRootPassword: generated("mysql-root-password"),
      sessionKeys: generated("configuration-session-key"),
      elasticPassword: generated("logging-elastic-password"),
    };
    assert.deepEqual(secrets(resources), {
      "configuration-database-user": { MYSQL_USER: "koa_blog", MYSQL_PASSWORD: credentials.mysqlPassword },
      "configuration-session": { SESSION_KEYS: credentials.sessionKeys },
      "mysql-root": { MYSQL_ROOT_PASSWORD: credentials.mysqlRootPassword },
      "logging-elastic-user": { ELASTIC_PASSWORD: credentials.elasticPassword },
      "logging-kibana-user": { KIBANA_PASSWORD: generated("logging-kibana-password") },
      "logging-kibana-encryption": { KIBANA_ENCRYPTION_KEY: generated("logging-kibana-encryption-key") },
      "logging-fluentd-user": { FLUENTD_PASSWORD: generated("logging-fluentd-password") },
    });
    const kubeconfig = "stdout of local-kind-cluster";
    assertHidden(resources, [generated(""), kubeconfig]);
    assert.deepEqual(outputs.credentials, { value: credentials, isSecret: true });
    assert.deepEqual(outputs.kubeconfig, { value: kubeconfig, isSecret: true });
    assert.deepEqual(outputs.url, { value: "http://localhost:30423", isSecret: false });
    assert.deepEqual(Object.keys(outputs).sort(), ["credentials", "imageTag", "kubeconfig", "url"]);
  });

  it("are secret and take the place of generated ones if they are settings", async () => {
    const { resources, outputs } = await fullProgram();
    const { registryPassword: password, ...others } = givenSecrets;
    const auth = Buffer.from(`me:${password}`).toString("base64");
    assertHidden(resources, [...Object.values(givenSecrets), auth]);
    assert.deepEqual(outputs.credentials, { value: { mysqlUser: "writer", ...others }, isSecret: true });
    const login = JSON.stringify({ auths: { "registry.example.com:5000": { username: "me", password, auth } } });
    for (const workload of resources.filter(isWorkload)) {
      const pullSecret = workload.name.startsWith("logging-") ? "logging-pull-secret" : "configuration-registry";
      assert.deepEqual(podSpec(workload).imagePullSecrets, [{ name: `${pullSecret}-auto` }], workload.name);
      assert.deepEqual(secrets(resources)[pullSecret], { ".dockerconfigjson": login });
      assert.equal(finder(resources)(pullSecret).inputs.type, "kubernetes.io/dockerconfigjson");
    }
  });

  const readers: Record<string, string[]> = {
    "blog-deployment": ["configuration-database-user", "configuration-session"],
    "migration-job": ["configuration-database-user"],
    "mysql-statefulset": ["configuration-database-user", "mysql-root"],
    "logging-elasticsearch-statefulset": ["logging-elastic-user"],
    "logging-elasticsearch-setup-job": ["logging-elastic-user", "logging-fluentd-user", "logging-kibana-user"],
    "logging-disk-cleanup-cron-job": ["logging-elastic-user"],
    "logging-kibana-deployment": ["logging-kibana-encryption", "logging-kibana-user"],
    "logging-kibana-setup-job": ["logging-elastic-user"],
    "logging-fluentd-daemonset": ["logging-fluentd-user"],
  };
  it("reach only the pods that need them, as files, or as references for images that read no file", async () => {
    const { resources } = await defaultProgram();
    const names = Object.keys(secrets(resources));
    for (const workload of resources.filter(isWorkload)) {
      const text = JSON.stringify(podSpec(workload));
      const read = names.filter((name) => text.includes(`"${name}-auto"`)).sort();
      assert.deepEqual(read, readers[workload.name], workload.name);
      for (const { name, value } of mainContainer(workload).env) {
        const file = `/run/secrets/koa-blog/${name.replace("_FILE", "")}`;
        if (/PASSWORD|KEY/.test(name)) assert.equal(value, name.endsWith("_FILE") ? file : undefined, name);
      }
    }
  });

  it("are replaced when their content changes, like ConfigMaps, so that the pods roll", async () => {
    const { resources } = await defaultProgram();
    for (const object of resources.filter(({ type }) => /:(ConfigMap|Secret)$/.test(type))) {
      assert.deepEqual([metadataOf(object).name, object.inputs.immutable], [undefined, true], object.name);
    }
  });
});

describe("The settings of a stack", () => {
  it("reach the objects of the blog and of the logs", async () => {
    const { resources } = await fullProgram();
    const find = finder(resources);
    for (const object of resources.filter(isKubernetes)) {
      const { name = "", namespace = name } = metadataOf(object);
      const isOfCluster = /:(Namespace|ClusterRole|ClusterRoleBinding)$/.test(object.type);
      const expected = object.name.startsWith("logging") ? "two-logs" : "two";
      // The cluster may have several stacks.
      assert.equal(isOfCluster ? name.replace("-fluentd", "") : namespace, expected, object.name);
    }
    assert.equal(specOf(find("blog-deployment")).replicas, 3);
    assert.equal(mainContainer(find("mysql-statefulset")).image, "mysql:8.4");
    const database = { MYSQL_HOST: "mysql.two.svc.cluster.local", MYSQL_PORT: "3306", MYSQL_DATABASE: "posts" };
    assert.deepEqual(find("configuration-database").inputs.data, database);
    assert.deepEqual(find("configuration-settings").inputs.data, {
      ...{ LOG_LEVEL: "debug", ORIGIN: "https://www.example.com", REGISTRATIONS_PER_HOUR: "5" },
      // The Ingress has TLS, and is a proxy.
      ...{ COOKIE_SECURE: "true", TRUSTED_PROXIES: "1", SESSION_COOKIE: "session-two" },
    });
    const levels = ["namespace-object", "logging-namespace"].map((name) => metadataOf(find(name)).labels);
    const enforced = levels.map((labels) => labels["pod-security.kubernetes.io/enforce"]);
    assert.deepEqual(enforced, ["restricted", "privileged"]);
  });

  it("reach the kind cluster, which publishes the blog as configured, and Kibana on 127.0.0.1", async () => {
    const { resources, outputs } = await runProgram({
      ...{ clusterName: "other", workers: "1", registryPort: "5055", registryImage: "registry:2", logging: "false" },
      ...{ nodeImage: "kindest/node:v1", hostPort: "8080", kibanaPort: "5601", listenAddress: "::1" },
    });
    const find = finder(resources);
    const { environment, stdin } = find("local-kind-cluster").inputs as { environment: Inputs; stdin: string };
    assert.equal(environment.CLUSTER, "other");
    const image = "kindest/node:v1";
    const ports = [
      { listenAddress: "::1", protocol: "TCP", containerPort: 30423, hostPort: 8080 },
      { listenAddress: "127.0.0.1", protocol: "TCP", containerPort: 30601, hostPort: 5601 },
    ];
    assert.deepEqual((parse(stdin) as { nodes: unknown }).nodes, [
      { role: "control-plane", image, extraPortMappings: ports },
      { role: "worker", image },
    ]);
    const { REGISTRY, IMAGE, PORT } = find("local-kind-registry").inputs.environment as Inputs;
    assert.deepEqual([REGISTRY, IMAGE, PORT], ["other-registry", "registry:2", "5055"]);
    assert.equal(outputs.url?.value, "http://[::1]:8080");
    // Browsers send cookies to all ports of a host.
    assert.equal((find("configuration-settings").inputs.data as Inputs).SESSION_COOKIE, "session-8080");
  });

  it("connect the blog to a managed MySQL instead of one in the cluster, and overrule the defaults for proxies", async () => {
    const mysqlCa = join(temporaryFolder(), "ca.pem");
    const MYSQL_CA = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n";
    writeFileSync(mysqlCa, MYSQL_CA);
    const ingress = { expose: "Ingress", ingressHost: "blog.example.com", ingressTlsSecret: "blog-tls" };
    const { resources } = await runExisting(
      { ...ingress, secureCookies: "false", trustedProxies: "2", mysqlHost: "mysql.example.com:3307", mysqlCa },
      { mysqlPassword: "a managed password" },
    );
    const find = finder(resources);
    assert.ok(!resources.some(({ name }) => name.startsWith("mysql")));
    for (const earlier of ["service-object", "migration-job"]) assertAfter(resources, "blog-deployment", earlier);
    const { MYSQL_HOST, MYSQL_PORT } = find("configuration-database").inputs.data as Inputs;
    assert.deepEqual([MYSQL_HOST, MYSQL_PORT], ["mysql.example.com", "3307"]);
    const user = { MYSQL_USER: "koa_blog", MYSQL_PASSWORD: "a managed password", MYSQL_CA };
    assert.deepEqual(secrets(resources)["configuration-database-user"], user);
    for (const workload of ["blog-deployment", "migration-job"]) {
      const file = mainContainer(find(workload)).env.find(({ name }) => name === "MYSQL_CA_FILE");
      assert.equal(file?.value, "/run/secrets/koa-blog/MYSQL_CA", workload);
    }
    const { COOKIE_SECURE, TRUSTED_PROXIES } = find("configuration-settings").inputs.data as Inputs;
    assert.deepEqual([COOKIE_SECURE, TRUSTED_PROXIES], ["false", "2"]);
  });

  it("name the cluster of the Kubernetes provider, which takes over objects in the stack's own one only", async () => {
    const provider = finder((await defaultProgram()).resources)("local-provider");
    const { kubeconfig, clusterIdentifier, ...inputs } = provider.inputs;
    assert.equal(secretValue(kubeconfig), "stdout of local-kind-cluster");
    assert.match(clusterIdentifier as string, /^[0-9a-f]{16}$/);
    assert.deepEqual(inputs, { upsertExistingObjects: "true", enablePatchForce: "true", deleteUnreachable: "true" });
    const find = finder((await fullProgram()).resources);
    assert.deepEqual(find("existing-provider").inputs, { context: "team", clusterIdentifier: "uid of kube-system" });
    assert.deepEqual(find("existing-reader").inputs, { context: "team" });
  });
});
