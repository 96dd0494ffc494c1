import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { BlogConfiguration } from "../../../components/blog/blogConfiguration.ts";
import { MySql } from "../../../components/blog/mySql.ts";
import { SchemaMigration } from "../../../components/blog/schemaMigration.ts";
import { dockerConfig } from "../../../components/kubernetes/imagePullSecret.ts";
import { temporaryFolder } from "../../temporaryFolder.ts";
import { assertRights, assertSecrets, finder, mainContainer, podLabels, podSpec, specOf } from "../manifest.ts";
import {
  type Inputs,
  type Registered,
  runExisting,
  runProgram,
  runWithMocks,
  settle,
  withoutSecrets,
} from "../program.ts";
import { TemporaryProject } from "../temporaryProject.ts";

const users = { "mysql-statefulset": 999, "migration-job": 1000, "blog-deployment": 1000 };
const workloads = Object.keys(users);
const metadataOf = ({ inputs }: Registered) => inputs.metadata as Inputs;
const selector = (name: string) => ({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "koa-blog" });
const skipAwait = { "pulumi.com/skipAwait": "true" };

/** Fails if a value is outside of the secrets of a request. */
function assertSecret(resources: Registered[], ...values: string[]): void {
  for (const { name, inputs } of resources) {
    const visible = JSON.stringify(withoutSecrets(inputs));
    for (const value of values) assert.ok(!visible.includes(value), `${name} shows "${value}"`);
  }
}

describe("The blog's manifests", () => {
  let find: ReturnType<typeof finder>;
  let program: Awaited<ReturnType<typeof runProgram>>;

  before(async () => {
    program = await runProgram();
    find = finder(program.resources);
  });

  for (const [name, user] of Object.entries(users)) {
    it(`give the pods of ${name} the user of their image, no other right, and secrets as files`, () => {
      assertRights(find(name), { user });
      for (const { name: variable, value } of mainContainer(find(name)).env) {
        if (/PASSWORD|KEYS|CA/.test(variable)) assert.equal(value, `/run/secrets/koa-blog/${variable.slice(0, -5)}`);
      }
    });
  }

  it("enforce the restricted Pod Security Standard", () => {
    const { labels } = metadataOf(find("namespace-object")) as { labels: Inputs };
    assert.equal(labels["pod-security.kubernetes.io/enforce"], "restricted");
  });

  it("wait half an hour for the database at start, and keep pods in the Service when it fails later", () => {
    const { startupProbe, readinessProbe, livenessProbe } = mainContainer(find("blog-deployment"));
    assert.deepEqual(
      [startupProbe, readinessProbe, livenessProbe].map(({ httpGet }) => httpGet.path),
      ["/readyz", "/healthz", "/healthz"],
    );
    const mysql = mainContainer(find("mysql-statefulset"));
    for (const { periodSeconds, failureThreshold } of [startupProbe, mysql.startupProbe]) {
      assert.equal(periodSeconds * failureThreshold, 1800);
    }
    const { create = "", update = "" } = find("mysql-statefulset").customTimeouts ?? {};
    for (const timeout of [create, update]) assert.ok(parseInt(timeout) * 60 > 1800, `Pulumi waits for ${timeout}`);
    for (const { exec } of [mysql.startupProbe, mysql.readinessProbe, mysql.livenessProbe]) {
      assert.deepEqual(exec.command.slice(0, 2), ["mysqladmin", "ping"]);
    }
  });

  it("roll the blog's pods without one too few, after their endpoints drained", () => {
    const { replicas, strategy } = specOf(find("blog-deployment"));
    assert.equal(replicas, 2);
    assert.deepEqual(strategy, { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 2 } });
    const { lifecycle } = mainContainer(find("blog-deployment"));
    assert.deepEqual(lifecycle, { preStop: { exec: { command: ["sleep", "5"] } } });
    assert.equal(podSpec(find("blog-deployment")).terminationGracePeriodSeconds, 35);
    assert.deepEqual(specOf(find("blog-disruption-budget")), {
      maxUnavailable: 1,
      selector: { matchLabels: selector("koa-blog") },
    });
  });

  it("spread the pods of one rollout over the nodes, and move them from a lost node after 5 s", () => {
    const { topologySpreadConstraints, tolerations } = podSpec(find("blog-deployment"));
    assert.deepEqual(
      topologySpreadConstraints.map(({ topologyKey, matchLabelKeys }) => [topologyKey, matchLabelKeys]),
      [["kubernetes.io/hostname", ["pod-template-hash"]]],
    );
    const dropped = "spec.template.spec.topologySpreadConstraints[0].matchLabelKeys";
    assert.deepEqual(find("blog-deployment").ignoreChanges, [dropped], "Kubernetes 1.26 drops this field");
    assert.deepEqual(
      tolerations.map(({ key, tolerationSeconds }) => `${key} ${String(tolerationSeconds)}`),
      ["node.kubernetes.io/not-ready 5", "node.kubernetes.io/unreachable 5"],
    );
  });

  it("admit all clients to the blog, marked pods to its metrics and to MySQL, and none to the migration", () => {
    const port = (name: string) => ({ ports: [{ port: name, protocol: "TCP" }] });
    const marked = (label: string) => ({ podSelector: { matchLabels: { [label]: "true" } } });
    for (const [policy, name, ingress] of [
      ["mysql", "mysql", [{ from: [marked("koa-blog/mysql-client")], ...port("mysql") }]],
      ["migration", "koa-blog-migration", undefined],
      [
        "blog",
        "koa-blog",
        [port("http"), { from: [{ namespaceSelector: {}, ...marked("koa-blog/metrics-client") }], ...port("metrics") }],
      ],
    ] as const) {
      assert.deepEqual(specOf(find(`${policy}-network-policy`)), {
        podSelector: { matchLabels: selector(name) },
        policyTypes: ["Ingress"],
        ...(ingress && { ingress }),
      });
    }
    const clients = workloads.filter((name) => podLabels(find(name))["koa-blog/mysql-client"] === "true");
    assert.deepEqual(clients, ["migration-job", "blog-deployment"]);
  });

  it("give MySQL a headless Service, and its clients one whose address outlives the pod", () => {
    const [headless, service] = [find("mysql-headless-service"), find("mysql-service")];
    const spec = { selector: selector("mysql"), ports: [{ name: "mysql", port: 3306, targetPort: "mysql" }] };
    assert.deepEqual(specOf(headless), { ...spec, clusterIP: "None" });
    assert.deepEqual(specOf(service), spec);
    assert.deepEqual(metadataOf(service).annotations, skipAwait);
    assert.equal(specOf(find("mysql-statefulset")).serviceName, metadataOf(headless).name);
    const { MYSQL_HOST } = find("configuration-database").inputs.data as Inputs;
    assert.equal(MYSQL_HOST, `${String(metadataOf(service).name)}.koa-blog.svc.cluster.local`);
  });

  it("let a pod of MySQL that is not ready be corrected, and keep the volume whatever its settings", async () => {
    const statefulSet = find("mysql-statefulset");
    const { podManagementPolicy, persistentVolumeClaimRetentionPolicy } = specOf(statefulSet);
    assert.equal(podManagementPolicy, "Parallel");
    assert.equal(persistentVolumeClaimRetentionPolicy, undefined);
    assert.deepEqual(statefulSet.ignoreChanges, ["spec.volumeClaimTemplates"]);
    // The claim is data-mysql-0, also after mysqlHost was set and removed.
    assert.equal(metadataOf(statefulSet).name, "mysql");
    const template = (spec: Inputs) => [
      { metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"], ...spec } },
    ];
    const claims = (workload: Registered) => specOf(workload).volumeClaimTemplates;
    assert.deepEqual(claims(statefulSet), template({ resources: { requests: { storage: "1Gi" } } }));
    const { resources } = await runExisting({ mysqlStorage: "5Gi", storageClass: "fast" });
    assert.deepEqual(
      claims(finder(resources)("mysql-statefulset")),
      template({ storageClassName: "fast", resources: { requests: { storage: "5Gi" } } }),
    );
  });

  it("name ConfigMaps and Secrets by content, so that pods roll with it", () => {
    const objects = program.resources.filter(({ type }) => /:(ConfigMap|Secret)$/.test(type));
    for (const object of objects) {
      assert.equal(metadataOf(object).name, undefined, object.name);
      assert.equal(object.inputs.immutable, true, object.name);
    }
  });

  it("keep passwords, keys and the kubeconfig secret, in the outputs too", () => {
    assertSecrets(find, {
      "configuration-database-user": {
        MYSQL_USER: "koa_blog",
        MYSQL_PASSWORD: "result of configuration-mysql-password",
      },
      "configuration-session": { SESSION_KEYS: "result of configuration-session-key" },
      "mysql-root": { MYSQL_ROOT_PASSWORD: "result of mysql-root-password" },
    });
    assertSecret(program.resources, "result of", "stdout of local-kind-cluster");
    const credentials = {
      mysqlUser: "koa_blog",
      mysqlPassword: "result of configuration-mysql-password",
      mysqlRootPassword: "result of mysql-root-password",
      sessionKeys: "result of configuration-session-key",
      elasticPassword: "result of logging-elastic-password",
    };
    assert.deepEqual(program.outputs, {
      credentials: { value: credentials, isSecret: true },
      imageTag: { value: podLabels(find("blog-deployment"))["app.kubernetes.io/version"], isSecret: false },
      kubeconfig: { value: "stdout of local-kind-cluster", isSecret: true },
      url: { value: "http://localhost:30423", isSecret: false },
    });
  });

  it("keep configured passwords and keys secret", async () => {
    const values = ["registryPassword", "mysqlPassword", "mysqlRootPassword", "elasticPassword", "sessionKeys"].map(
      (key) => [key, `the secret of ${key} in the stack`] as const,
    );
    const { resources, outputs } = await runExisting({ logging: "true" }, Object.fromEntries(values));
    const { registryPassword = "", ...secrets } = Object.fromEntries(values);
    const encoded = Buffer.from(`me:${registryPassword}`).toString("base64");
    assertSecret(resources, ...Object.values(secrets), registryPassword, encoded);
    assert.deepEqual(outputs.credentials, { value: { mysqlUser: "koa_blog", ...secrets }, isSecret: true });
    assert.deepEqual(
      resources.filter(({ type }) => type.startsWith("random:")).map(({ name }) => name),
      ["logging-kibana-password", "logging-fluentd-password", "logging-kibana-encryption-key"],
    );
  });

  it("make a plain password or key of a component secret", async () => {
    const { result } = await runWithMocks(() => {
      const [namespace, password] = ["blog", "a password"];
      const plain = { mysqlPassword: password, sessionKeys: "a key" };
      const configuration = new BlogConfiguration("configuration", { namespace, mysqlHost: "db", ...plain });
      const mysql = new MySql("mysql", { namespace, image: "mysql:9", configuration, rootPassword: password });
      const login = dockerConfig({ server: "registry.example.com", username: "me", password });
      return [configuration.mysqlPassword, configuration.sessionKeys, mysql.rootPassword, login].map(settle);
    });
    assert.deepEqual(
      (await Promise.all(result)).map(({ isSecret }) => isSecret),
      [true, true, true, true],
    );
  });

  it("have what the settings say", async () => {
    const { resources } = await runProgram({
      ...{ namespace: "two", replicas: "4", mysqlImage: "mysql:8.4", mysqlDatabase: "posts", mysqlUser: "writer" },
      ...{ logLevel: "debug", registrationsPerHour: "5", logging: "false" },
    });
    const other = finder(resources);
    for (const object of resources.filter(({ type }) => type.startsWith("kubernetes:"))) {
      const { name, namespace } = metadataOf(object);
      assert.equal(object.type.endsWith(":Namespace") ? name : namespace, "two", object.name);
    }
    assert.equal(specOf(other("blog-deployment")).replicas, 4);
    assert.equal(mainContainer(other("mysql-statefulset")).image, "localhost:5001/mysql:8.4");
    assert.deepEqual(other("configuration-database").inputs.data, {
      ...{ MYSQL_HOST: "mysql.two.svc.cluster.local", MYSQL_PORT: "3306", MYSQL_DATABASE: "posts" },
    });
    assertSecrets(other, {
      "configuration-database-user": { MYSQL_USER: "writer", MYSQL_PASSWORD: "result of configuration-mysql-password" },
    });
    assert.deepEqual(other("configuration-settings").inputs.data, {
      ...{ LOG_LEVEL: "debug", ORIGIN: "", SESSION_COOKIE: "session-30423", REGISTRATIONS_PER_HOUR: "5" },
      ...{ COOKIE_SECURE: "false", TRUSTED_PROXIES: "0" },
    });
  });
});

describe("The migration Job", () => {
  const jobOf = async (project: TemporaryProject, image = "blog:1") => {
    const { resources } = await project.run(() =>
      runWithMocks(() => {
        const namespace = "blog";
        const configuration = new BlogConfiguration("configuration", { namespace, mysqlHost: "db" });
        new SchemaMigration("migration", { namespace, image, configuration });
      }),
    );
    return finder(resources)("migration-job");
  };
  const nameOf = async (project: TemporaryProject) => metadataOf(await jobOf(project)).name;

  it("runs again if db/ or the packages changed, and not if service/ or the image changed", async () => {
    const name = await nameOf(new TemporaryProject());
    assert.match(String(name), /^koa-blog-migration-[0-9a-f]{16}$/);
    const names = [];
    for (const path of ["db/migrations/0002.ts", "package-lock.json", "service/app.ts"]) {
      const project = new TemporaryProject();
      project.write(path, "changed");
      names.push(await nameOf(project));
    }
    assert.equal(new Set([name, ...names]).size, 3);
    assert.equal(names[2], name);
    const job = await jobOf(new TemporaryProject(), "blog:2");
    assert.equal(metadataOf(job).name, name);
    assert.deepEqual(job.ignoreChanges, ["spec.template.spec.containers[0].image"]);
  });

  it("is replaced after a failure, which Pulumi waits for", async () => {
    const job = await jobOf(new TemporaryProject());
    assert.deepEqual(metadataOf(job).annotations, { "pulumi.com/replaceUnready": "true" });
    const { activeDeadlineSeconds } = specOf(job) as { activeDeadlineSeconds: number };
    for (const timeout of [job.customTimeouts?.create, job.customTimeouts?.update]) {
      assert.match(String(timeout), /^\d+m$/);
      assert.ok(parseInt(String(timeout)) * 60 > activeDeadlineSeconds, timeout);
    }
  });

  it("runs the migration with the database's user only", async () => {
    const job = await jobOf(new TemporaryProject());
    const { image, command, env } = mainContainer(job);
    assert.deepEqual([image, command], ["blog:1", ["node", "service/migrate.ts"]]);
    assert.deepEqual(
      env.map(({ name }) => name),
      ["MYSQL_USER_FILE", "MYSQL_PASSWORD_FILE"],
    );
  });
});

describe("The blog in an existing cluster", () => {
  it("can change the number of pods after an autoscaler did", async () => {
    for (const maxReplicas of ["", "6"]) {
      const { resources } = await runExisting({ replicas: "3", maxReplicas });
      const deployment = finder(resources)("blog-deployment");
      assert.deepEqual(metadataOf(deployment).annotations, { "pulumi.com/patchForce": "true" });
      assert.equal(deployment.ignoreChanges.includes("spec.replicas"), maxReplicas !== "");
    }
  });

  it("has an autoscaler that does not start more pods for the first visitors", async () => {
    const { resources } = await runExisting({ replicas: "3", maxReplicas: "6" });
    const find = finder(resources);
    const target = { type: "Utilization", averageUtilization: 70 };
    assert.deepEqual(specOf(find("blog-autoscaler")), {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "koa-blog" },
      minReplicas: 3,
      maxReplicas: 6,
      metrics: [{ type: "Resource", resource: { name: "cpu", target } }],
    });
    const { cpu = "" } = mainContainer(find("blog-deployment")).resources.requests;
    assert.match(cpu, /^\d+m$/);
    assert.ok(parseInt(cpu) >= 250, `${cpu} is less than a few visitors use`);
  });

  it("pulls all images with the registry's password, the logs' too", async () => {
    const { resources } = await runExisting({ logging: "true" });
    const pods = resources.filter(({ type }) => /:(StatefulSet|DaemonSet|Deployment|CronJob|Job)$/.test(type));
    assert.equal(pods.length, 9);
    for (const workload of pods) {
      const [secret] = podSpec(workload).imagePullSecrets;
      const { inputs } = finder(resources)(String(secret?.name).replace(/-auto$/, ""));
      assert.equal(inputs.type, "kubernetes.io/dockerconfigjson", workload.name);
      assert.equal((inputs.metadata as Inputs).namespace, metadataOf(workload).namespace, workload.name);
    }
    const find = finder(resources);
    const [login] = Object.values(
      (find("configuration-registry").inputs.stringData as { value: Record<string, string> }).value,
    );
    const auth = Buffer.from("me:the registry's password").toString("base64");
    assert.deepEqual(JSON.parse(login ?? ""), {
      auths: { "registry.example.com:5000": { username: "me", password: "the registry's password", auth } },
    });
  });

  it("connects to a managed MySQL, whose certificates are in the mounted Secret", async () => {
    const mysqlCa = join(temporaryFolder(), "ca.pem");
    const certificate = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n";
    writeFileSync(mysqlCa, certificate);
    const config = { mysqlHost: "mysql.example.com:3307", mysqlCa };
    const { resources } = await runExisting(config, { mysqlPassword: "a managed password" });
    const find = finder(resources);
    assert.deepEqual(find("configuration-database").inputs.data, {
      ...{ MYSQL_HOST: "mysql.example.com", MYSQL_PORT: "3307", MYSQL_DATABASE: "koa_blog" },
    });
    assertSecrets(find, {
      "configuration-database-user": {
        ...{ MYSQL_USER: "koa_blog", MYSQL_PASSWORD: "a managed password", MYSQL_CA: certificate },
      },
    });
    for (const workload of ["blog-deployment", "migration-job"]) {
      const file = mainContainer(find(workload)).env.find(({ name }) => name === "MYSQL_CA_FILE");
      assert.equal(file?.value, "/run/secrets/koa-blog/MYSQL_CA");
      const [volume] = podSpec(find(workload)).volumes;
      assert.deepEqual(volume?.projected.sources[0], { secret: { name: "configuration-database-user-auto" } });
    }
  });

  const ingress = { expose: "Ingress", ingressHost: "blog.example.com" };
  const tls = { ...ingress, ingressTlsSecret: "blog-tls" };
  const port = { name: "http", port: 5000, targetPort: "http" };
  const nodePort = { type: "NodePort", externalTrafficPolicy: "Cluster", ports: [{ ...port, nodePort: 31234 }] };
  const loadBalancer = { type: "LoadBalancer", externalTrafficPolicy: "Local", ports: [{ ...port, port: 80 }] };
  const clusterIp = { type: "ClusterIP", ports: [port] };
  const exposures: [by: string, config: Record<string, string>, spec: Inputs, url: string, settings: string[]][] = [
    ["a node port", { nodePort: "31234" }, nodePort, "http://ADDRESS-OF-A-NODE:31234", ["false", "0"]],
    [
      "a load balancer",
      { expose: "LoadBalancer" },
      loadBalancer,
      "http://ADDRESS-OF-THE-LOAD-BALANCER",
      ["false", "0"],
    ],
    ["an Ingress", ingress, clusterIp, "http://blog.example.com", ["false", "1"]],
    ["an Ingress with TLS", tls, clusterIp, "https://blog.example.com", ["true", "1"]],
  ];
  for (const [by, config, expected, url, settings] of exposures) {
    it(`is reached by ${by}, and knows about TLS and proxies`, async () => {
      const { resources, outputs } = await runExisting(config);
      const find = finder(resources);
      assert.deepEqual(specOf(find("service-object")), { ...expected, selector: selector("koa-blog") });
      assert.deepEqual(metadataOf(find("service-object")).annotations, skipAwait);
      assert.equal(outputs.url?.value, url);
      const { COOKIE_SECURE, TRUSTED_PROXIES } = find("configuration-settings").inputs.data as Inputs;
      assert.deepEqual([COOKIE_SECURE, TRUSTED_PROXIES], settings);
    });
  }

  it("prefers its settings about TLS and proxies", async () => {
    const { resources } = await runExisting({ ...tls, secureCookies: "false", trustedProxies: "2" });
    const { COOKIE_SECURE, TRUSTED_PROXIES } = finder(resources)("configuration-settings").inputs.data as Inputs;
    assert.deepEqual([COOKIE_SECURE, TRUSTED_PROXIES], ["false", "2"]);
  });

  it("has an Ingress with the annotations for cert-manager, and with TLS on demand", async () => {
    const annotations = { "cert-manager.io/cluster-issuer": "letsencrypt" };
    const { resources } = await runExisting({ ...tls, ingressAnnotations: JSON.stringify(annotations) });
    const object = finder(resources)("service-ingress");
    assert.deepEqual(metadataOf(object).annotations, { ...skipAwait, ...annotations });
    const backend = { service: { name: "koa-blog", port: { name: "http" } } };
    const rules = [{ host: "blog.example.com", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }];
    assert.deepEqual(specOf(object), { tls: [{ hosts: ["blog.example.com"], secretName: "blog-tls" }], rules });
    assert.deepEqual(specOf(finder((await runExisting(ingress)).resources)("service-ingress")), { rules });
  });
});
