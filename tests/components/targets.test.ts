import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { temporaryFolder } from "../temporaryFolder.ts";
import { existingConfig } from "./kubeconfig.ts";
import { assertOrder, blogResources, finder, listed, mainContainer, podSpec, specOf } from "./manifest.ts";
import { type Inputs, type Registered, runProgram, secretValue } from "./program.ts";

const inOrder = (resources: Registered[], ...names: string[]) => {
  assertOrder(resources, ...names.map(finder(resources)));
};

describe("The target containers", () => {
  let resources: Registered[];
  let find: ReturnType<typeof finder>;

  before(async () => {
    ({ resources } = await runProgram({ target: "containers" }));
    find = finder(resources);
  });

  it("has exactly these resources, none of them in a cluster, and no logs", () => {
    assert.deepEqual(listed(resources), [
      "blog:containers:BlogContainer blog",
      "blog:containers:MigrationContainer migration",
      "blog:containers:MySqlContainer mysql",
      "blog:containers:PlainContainers blog",
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

  it("comes up in order, and its data waits for nothing, so that all else can be pruned", () => {
    inOrder(resources, "blog-network", "mysql-container", "migration-run", "blog-container");
    inOrder(resources, "mysql-volume", "mysql-container");
    assert.deepEqual(find("mysql-volume").dependencies, []);
    assert.deepEqual(find("mysql-volume").ignoreChanges, ["labels"]);
  });

  it("runs the images that it built, restarts what fails, and runs the migration once for each container", () => {
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

  it("replaces containers in place, and labels all that it makes with the stack's name", () => {
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
    const program = await runProgram({
      target: "containers",
      network: "my-net",
      hostPort: "5001",
      listenAddress: "127.0.0.1",
      blogImage: "registry.example.com:5000/my-blog:1.0",
      mysqlImage: "mysql:8.4",
    });
    const other = finder(program.resources);
    assert.equal(other("blog-network").inputs.name, "my-net");
    assert.equal(other("mysql-volume").inputs.name, "my-net-mysql-data");
    assert.deepEqual(
      ["mysql", "migration", "blog"].map((name) => other(`${name}-container`).inputs.name),
      ["my-net-mysql", "my-net-migration", "my-net-blog"],
    );
    assert.deepEqual(other("blog-container").inputs.ports, [{ internal: 5000, external: 5001, ip: "127.0.0.1" }]);
    assert.equal(other("blog-image").inputs.imageName, "registry.example.com:5000/my-blog:1.0");
    assert.match(
      other("mysql-image").inputs.imageName as string,
      /^registry\.example\.com:5000\/my-blog-mysql:[0-9a-f]{16}$/,
    );
    assert.deepEqual((other("mysql-image").inputs.build as { args: Inputs }).args, { BASE_IMAGE: "mysql:8.4" });
    for (const image of ["blog-image", "mysql-image"]) assert.equal(other(image).inputs.skipPush, true);
    assert.equal(program.outputs.url?.value, "http://127.0.0.1:5001");
  });
});

describe("The target existing", () => {
  const run = (more: Record<string, string> = {}, moreSecrets: Record<string, string> = {}) => {
    const { config, secrets } = existingConfig();
    return runProgram({ ...config, ...more }, { ...secrets, ...moreSecrets });
  };

  it("has exactly these resources, and neither makes nor loads anything on this machine but the image", async () => {
    const ofExisting = [
      "blog:cluster:ExistingCluster cluster",
      "kubernetes:core/v1:Secret blog-registry",
      "pulumi:providers:kubernetes cluster-provider",
    ];
    assert.deepEqual(listed((await run()).resources), [...blogResources, ...ofExisting].sort());
  });

  it("uses the named context, never the current one, and knows the cluster by its server", async () => {
    const { resources } = await run();
    const { inputs, urn } = finder(resources)("cluster-provider");
    assert.equal(inputs.context, "team");
    assert.equal(inputs.clusterIdentifier, "https://team.example.com:6443");
    assert.equal(inputs.upsertExistingObjects, undefined, "what others have made is not taken over");
    for (const resource of resources.filter(({ type }) => type.startsWith("kubernetes:"))) {
      assert.ok(resource.provider.startsWith(`${urn}::`), resource.name);
      // With `deletedWith`, `destroy` would leave the object in the cluster.
      assert.equal(resource.deletedWith, "", resource.name);
    }
  });

  it("refuses a context or a kubeconfig that is not there, before anything is registered", async () => {
    await assert.rejects(
      run({ kubeContext: "nobody" }),
      /no context "nobody" with a cluster. Contexts: team, elsewhere/,
    );
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
    inOrder(resources, "blog-database-user", "blog-job", "blog-deployment");
  });

  it("speaks TLS with it, if its authority's certificates are given", async () => {
    const mysqlCa = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
    const { resources } = await run({ mysqlHost: "db", mysqlCa }, { mysqlPassword: "a managed password" });
    assert.deepEqual(finder(resources)("blog-database-files").inputs.data, { MYSQL_CA: mysqlCa });
  });

  it("hands a bundle of certificates that no variable can hold to the pods and the Job as a file", async () => {
    const certificate = `-----BEGIN CERTIFICATE-----\n${"A".repeat(64)}\n-----END CERTIFICATE-----\n`;
    const bundle = certificate.repeat(Math.ceil(200_000 / certificate.length));
    const mysqlCa = join(temporaryFolder(), "bundle.pem");
    writeFileSync(mysqlCa, bundle);
    const { resources } = await run({ mysqlHost: "db", mysqlCa }, { mysqlPassword: "a managed password" });
    const find = finder(resources);
    const files = find("blog-database-files");
    assert.deepEqual(files.inputs.data, { MYSQL_CA: bundle });
    for (const workload of ["blog-deployment", "blog-job"]) {
      inOrder(resources, "blog-database-files", workload);
      const { env, envFrom, volumeMounts } = mainContainer(find(workload));
      const file = env.find(({ name }) => name === "MYSQL_CA_FILE");
      assert.equal(file?.value, "/run/secrets/koa-blog/MYSQL_CA");
      assert.deepEqual(volumeMounts, [{ name: "secrets", mountPath: "/run/secrets/koa-blog", readOnly: true }]);
      const [volume] = podSpec(find(workload)).volumes;
      assert.deepEqual(volume?.projected.sources.at(-1), { configMap: { name: "blog-database-files-auto" } });
      assert.ok(!JSON.stringify(env).includes("BEGIN"));
      assert.ok(!JSON.stringify(envFrom).includes("database-files"));
    }
  });

  it("puts volumes into the storage class, those of the logs too, whose images the nodes pull", async () => {
    const { resources } = await run({ storageClass: "fast", logging: "true" });
    const find = finder(resources);
    for (const name of ["mysql-data", "logging-elasticsearch-data"]) {
      assert.equal(specOf(find(name)).storageClassName, "fast", name);
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
    const { resources } = await run({ replicas: "3", maxReplicas: "6" });
    inOrder(resources, "blog-deployment", "blog-autoscaler");
    const find = finder(resources);
    const spec = specOf(find("blog-autoscaler"));
    assert.deepEqual([spec.minReplicas, spec.maxReplicas], [3, 6]);
    assert.deepEqual(spec.scaleTargetRef, { apiVersion: "apps/v1", kind: "Deployment", name: "koa-blog" });
    assert.deepEqual(find("blog-deployment").ignoreChanges, ["spec.replicas"]);
    assert.deepEqual(finder((await run()).resources)("blog-deployment").ignoreChanges, []);
  });

  it("is reached by a node port, a load balancer or an Ingress", async () => {
    const service = async (config: Record<string, string>) => {
      const { resources, outputs } = await run(config);
      const { type, ports } = specOf(finder(resources)("blog-service"));
      return { type, ports, url: outputs.url?.value, resources };
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
    inOrder(ingress.resources, "blog-service", "blog-ingress");
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
    // The Ingress controller terminates TLS and sends X-Forwarded-For.
    assert.deepEqual([settings.COOKIE_SECURE, settings.TRUSTED_PROXIES], ["true", "1"]);
  });
});
