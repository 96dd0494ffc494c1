import assert from "node:assert/strict";

import { finder, mainContainer, podSpec } from "./manifest.ts";
import { existingConfig } from "./kubeconfig.ts";
import { runProgram, secretValue, type Inputs, type Registered } from "./program.ts";

const listed = (resources: Registered[]) => resources.map(({ type, name }) => `${type} ${name}`).sort();
const value = (output: unknown) => (output as { value: unknown }).value;
const before = (resources: Registered[], ...order: string[]) => {
  const find = finder(resources);
  const waitsFor = (later: string, earlier: string): boolean => {
    const { urn } = find(earlier);
    const seen = new Set<string>();
    const visit = (from: Registered): boolean =>
      from.dependencies.some((dependency) => {
        if (dependency === urn) return true;
        if (seen.has(dependency)) return false;
        seen.add(dependency);
        const next = resources.find((candidate) => candidate.urn === dependency);
        return next !== undefined && visit(next);
      });
    return visit(find(later));
  };
  order.slice(1).forEach((later, index) => {
    const earlier = order[index] ?? "";
    assert.ok(waitsFor(later, earlier), `${later} does not wait for ${earlier}`);
  });
};

describe("The target containers", () => {
  it("has exactly these resources, none of them in a cluster, and no logs", async () => {
    const { resources } = await runProgram({ target: "containers" });
    assert.deepEqual(listed(resources), [
      "blog:containers:BlogContainer blog",
      "blog:containers:ContainerCredentials blog",
      "blog:containers:ContainerNetwork blog",
      "blog:containers:ContainerVolume mysql",
      "blog:containers:MigrationContainer migration",
      "blog:containers:MySqlContainer mysql",
      "blog:image:BlogImage blog",
      "blog:image:MySqlImage mysql",
      "command:local:Command migration-run",
      "docker:index/container:Container blog-container",
      "docker:index/container:Container migration-container",
      "docker:index/container:Container mysql-container",
      "docker:index/image:Image blog-image",
      "docker:index/image:Image mysql-image",
      "docker:index/network:Network blog-network",
      "docker:index/volume:Volume mysql-volume",
      "random:index/randomPassword:RandomPassword blog-mysql-password",
      "random:index/randomPassword:RandomPassword blog-mysql-root-password",
      "random:index/randomPassword:RandomPassword blog-session-key",
    ]);
  });

  it("comes up in order, and its data waits for nothing, so that all else can be pruned", async () => {
    const { resources } = await runProgram({ target: "containers" });
    before(resources, "blog-network", "mysql-container", "migration-run", "blog-container");
    before(resources, "mysql-volume", "mysql-container");
    assert.deepEqual(finder(resources)("mysql-volume").dependencies, []);
    assert.deepEqual(finder(resources)("mysql-volume").ignoreChanges, ["labels"]);
  });

  it("runs the images that it built, restarts what fails, and runs the migration once for each container", async () => {
    const find = finder((await runProgram({ target: "containers" })).resources);
    const inputsOf = (name: string) => find(`${name}-container`).inputs;
    const [blog, mysql, migration] = [inputsOf("blog"), inputsOf("mysql"), inputsOf("migration")];
    assert.equal(blog.image, "id of blog-image");
    assert.equal(migration.image, "id of blog-image");
    assert.equal(mysql.image, "id of mysql-image");
    assert.deepEqual(
      [blog, mysql, migration].map((inputs) => inputs.restart),
      ["unless-stopped", "unless-stopped", undefined],
    );
    for (const inputs of [blog, mysql]) assert.equal(inputs.wait, true);
    assert.equal(migration.start, false);
    const run = find("migration-run").inputs;
    assert.equal(run.create, "docker start --attach 'koa-blog-migration'");
    assert.deepEqual(run.triggers, ["migration-container-id"]);
  });

  it("replaces containers in place, and labels all that it makes with the stack's name", async () => {
    const { resources } = await runProgram({ target: "containers" });
    const labels = [
      { label: "koa-blog.stack", value: "dev" },
      { label: "koa-blog.folder", value: process.cwd() },
    ];
    for (const { type, name, inputs, deleteBeforeReplace } of resources) {
      if (!/:(Container|Network|Volume)$/.test(type) || type.startsWith("blog:")) continue;
      assert.deepEqual(inputs.labels, labels, name);
      assert.equal(deleteBeforeReplace, type.endsWith(":Container"), name);
    }
  });

  it("takes names, images and port from its settings", async () => {
    const { resources, outputs } = await runProgram({
      target: "containers",
      network: "my-net",
      hostPort: "5001",
      listenAddress: "127.0.0.1",
      blogImage: "registry.example.com:5000/my-blog:1.0",
      mysqlImage: "mysql:8.4",
    });
    const find = finder(resources);
    assert.equal(find("blog-network").inputs.name, "my-net");
    assert.equal(find("mysql-volume").inputs.name, "my-net-mysql-data");
    assert.deepEqual(
      ["mysql", "migration", "blog"].map((name) => find(`${name}-container`).inputs.name),
      ["my-net-mysql", "my-net-migration", "my-net-blog"],
    );
    assert.deepEqual(find("blog-container").inputs.ports, [{ internal: 5000, external: 5001, ip: "127.0.0.1" }]);
    assert.equal(find("blog-image").inputs.imageName, "registry.example.com:5000/my-blog:1.0");
    assert.match(
      find("mysql-image").inputs.imageName as string,
      /^registry\.example\.com:5000\/my-blog-mysql:[0-9a-f]{16}$/,
    );
    assert.deepEqual((find("mysql-image").inputs.build as { args: Inputs }).args, { BASE_IMAGE: "mysql:8.4" });
    for (const image of ["blog-image", "mysql-image"]) assert.equal(find(image).inputs.skipPush, true);
    assert.equal(value(outputs.url), "http://127.0.0.1:5001");
  });
});

describe("The target existing", () => {
  const run = (more: Record<string, string> = {}, moreSecrets: Record<string, string> = {}) => {
    const { config, secrets } = existingConfig();
    return runProgram({ ...config, ...more }, { ...secrets, ...moreSecrets });
  };

  it("has exactly these resources, and neither makes nor loads anything on this machine but the image", async () => {
    assert.deepEqual(listed((await run()).resources), [
      "blog:cluster:ExistingCluster cluster",
      "blog:image:BlogImage blog",
      "blog:kubernetes:Blog blog",
      "blog:kubernetes:BlogConfiguration blog",
      "blog:kubernetes:BlogNamespace blog",
      "blog:kubernetes:BlogService blog",
      "blog:kubernetes:MySql mysql",
      "blog:kubernetes:SchemaMigration blog",
      "docker:index/image:Image blog-image",
      "kubernetes:apps/v1:Deployment blog-deployment",
      "kubernetes:apps/v1:StatefulSet mysql-statefulset",
      "kubernetes:batch/v1:Job blog-job",
      "kubernetes:core/v1:ConfigMap blog-database",
      "kubernetes:core/v1:ConfigMap blog-mysql-init",
      "kubernetes:core/v1:ConfigMap blog-settings",
      "kubernetes:core/v1:Namespace blog-namespace",
      "kubernetes:core/v1:Secret blog-database-root",
      "kubernetes:core/v1:Secret blog-database-user",
      "kubernetes:core/v1:Secret blog-registry",
      "kubernetes:core/v1:Secret blog-session",
      "kubernetes:core/v1:Service blog-service",
      "kubernetes:core/v1:Service mysql-primary",
      "kubernetes:core/v1:Service mysql-service",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy blog-job-clients",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy blog-readers",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy mysql-clients",
      "kubernetes:policy/v1:PodDisruptionBudget blog-disruption-budget",
      "pulumi:providers:kubernetes cluster-provider",
      "random:index/randomPassword:RandomPassword blog-mysql-password",
      "random:index/randomPassword:RandomPassword blog-mysql-root-password",
      "random:index/randomPassword:RandomPassword blog-session-key",
    ]);
  });

  it("uses the named context, never the current one, and knows the cluster by its server", async () => {
    const { resources } = await run();
    const { inputs, urn } = finder(resources)("cluster-provider");
    assert.equal(inputs.context, "team");
    assert.equal(inputs.clusterIdentifier, "https://team.example.com:6443");
    assert.equal(inputs.upsertExistingObjects, undefined, "what others have made is not taken over");
    for (const resource of resources.filter(({ type }) => type.startsWith("kubernetes:"))) {
      assert.ok(resource.provider.startsWith(`${urn}::`), resource.name);
      // Else `destroy` would leave it in the cluster.
      assert.equal(resource.deletedWith, "", resource.name);
    }
  });

  it("refuses a context or a kubeconfig that is not there, before anything is registered", async () => {
    await assert.rejects(run({ kubeContext: "nobody" }), /no context "nobody" with a cluster. It has: team, elsewhere/);
    await assert.rejects(
      run({ kubeconfig: "/nowhere/config" }),
      /kubeconfig: \/nowhere\/config cannot be read \(ENOENT/,
    );
  });

  it("pushes the image with the registry's password, and gives it to the nodes", async () => {
    const { resources } = await run();
    const find = finder(resources);
    const image = find("blog-image").inputs;
    assert.match(image.imageName as string, /^registry\.example\.com:5000\/team\/koa-blog:[0-9a-f]{16}$/);
    assert.equal(image.skipPush, false);
    const { server, username, password } = image.registry as Inputs;
    assert.deepEqual(
      [server, username, secretValue(password)],
      ["registry.example.com:5000", "me", "the registry's password"],
    );
    const secret = find("blog-registry").inputs;
    assert.equal(secret.type, "kubernetes.io/dockerconfigjson");
    const content = secretValue(secret.stringData) as Record<string, string>;
    assert.deepEqual(JSON.parse(content[".dockerconfigjson"] ?? ""), {
      auths: {
        "registry.example.com:5000": {
          username: "me",
          password: "the registry's password",
          auth: Buffer.from("me:the registry's password").toString("base64"),
        },
      },
    });
    for (const name of ["mysql-statefulset", "blog-job", "blog-deployment"]) {
      assert.deepEqual(podSpec(find(name)).imagePullSecrets, [{ name: "blog-registry-auto" }], name);
    }
    assert.equal(mainContainer(find("blog-deployment")).image, image.imageName);
  });

  it("pushes with the engine's own log-in where no user is named, for another platform on demand", async () => {
    const { config } = existingConfig();
    const { resources } = await runProgram({ ...config, registryUser: "", imagePlatform: "linux/arm64" });
    const { skipPush, registry, build } = finder(resources)("blog-image").inputs;
    assert.deepEqual([skipPush, registry], [false, undefined]);
    assert.equal((build as Inputs).platform, "linux/arm64");
    assert.ok(!listed(resources).some((line) => line.includes("blog-registry")));
  });

  it("takes a MySQL from elsewhere instead of its own", async () => {
    const { resources } = await run(
      { mysqlHost: "mysql.example.com", mysqlPort: "3307" },
      { mysqlPassword: "a managed password" },
    );
    const own =
      /mysql-statefulset|mysql-service|mysql-primary|mysql-clients|mysql-init|database-root|MySql mysql|mysql-.*password/;
    assert.deepEqual(
      listed(resources).filter((line) => own.test(line)),
      [],
    );
    const find = finder(resources);
    assert.deepEqual(find("blog-database").inputs.data, {
      MYSQL_HOST: "mysql.example.com",
      MYSQL_PORT: "3307",
      MYSQL_DATABASE: "koa_blog",
    });
    before(resources, "blog-database-user", "blog-job", "blog-deployment");
  });

  it("speaks TLS with it, if its authority's certificates are given", async () => {
    const mysqlCa = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
    const { resources } = await run({ mysqlHost: "db", mysqlCa }, { mysqlPassword: "a managed password" });
    assert.equal((finder(resources)("blog-database").inputs.data as Inputs).MYSQL_CA, mysqlCa);
  });

  it("puts volumes into the storage class, those of the logs too, whose images the nodes pull", async () => {
    const { resources } = await run({ storageClass: "fast", logging: "true" });
    const find = finder(resources);
    for (const name of ["mysql-statefulset", "logging-elasticsearch-statefulset"]) {
      const { volumeClaimTemplates } = find(name).inputs.spec as { volumeClaimTemplates: { spec: Inputs }[] };
      assert.equal(volumeClaimTemplates[0]?.spec.storageClassName, "fast", name);
    }
    assert.deepEqual(
      listed(resources).filter((line) => line.includes("Command")),
      [],
    );
    assert.equal(podSpec(find("logging-kibana-deployment")).nodeSelector, undefined);
    assert.equal(
      mainContainer(find("logging-elasticsearch-statefulset")).image,
      "docker.elastic.co/elasticsearch/elasticsearch:8.19.19",
    );
  });

  it("lets an autoscaler choose the number of pods", async () => {
    const find = finder((await run({ replicas: "3", maxReplicas: "6" })).resources);
    const spec = find("blog-autoscaler").inputs.spec as Inputs;
    assert.deepEqual([spec.minReplicas, spec.maxReplicas], [3, 6]);
    assert.deepEqual(spec.scaleTargetRef, { apiVersion: "apps/v1", kind: "Deployment", name: "koa-blog" });
    assert.deepEqual(find("blog-deployment").ignoreChanges, ["spec.replicas"]);
    assert.deepEqual(finder((await run()).resources)("blog-deployment").ignoreChanges, []);
  });

  it("is reached by a node port, a load balancer or an Ingress", async () => {
    const service = async (config: Record<string, string>) => {
      const { resources, outputs } = await run(config);
      const { type, ports } = finder(resources)("blog-service").inputs.spec as Inputs;
      return { type, ports, url: value(outputs.url), resources };
    };
    const nodePort = await service({ nodePort: "31234" });
    assert.equal(nodePort.type, "NodePort");
    assert.equal(nodePort.url, "http://ADDRESS-OF-A-NODE:31234");

    const loadBalancer = await service({ expose: "LoadBalancer" });
    assert.equal(loadBalancer.type, "LoadBalancer");
    assert.deepEqual(loadBalancer.ports, [{ name: "http", port: 80, targetPort: "http" }]);
    assert.equal(loadBalancer.url, "http://ADDRESS-OF-THE-LOAD-BALANCER");

    const ingress = await service({ expose: "Ingress", ingressHost: "blog.example.com", ingressTlsSecret: "blog-tls" });
    assert.equal(ingress.type, "ClusterIP");
    assert.equal(ingress.url, "https://blog.example.com");
    const find = finder(ingress.resources);
    assert.deepEqual(find("blog-ingress").inputs.spec, {
      tls: [{ hosts: ["blog.example.com"], secretName: "blog-tls" }],
      rules: [
        {
          host: "blog.example.com",
          http: {
            paths: [
              { path: "/", pathType: "Prefix", backend: { service: { name: "koa-blog", port: { name: "http" } } } },
            ],
          },
        },
      ],
    });
    const settings = find("blog-settings").inputs.data as Inputs;
    // The Ingress controller speaks TLS, and says where readers come from.
    assert.deepEqual([settings.COOKIE_SECURE, settings.TRUSTED_PROXIES], ["true", "1"]);
  });
});
