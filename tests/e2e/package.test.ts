import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

import { stringify } from "yaml";

import { projectFolder } from "../../scripts/lib/project.ts";
import { pulumiCommand } from "../../scripts/lib/tools.ts";
import { Client } from "../client.ts";
import { assertUnchanged, docker, engineObjects } from "./checkout.ts";

const clusterName = "koa-blog-package-e2e";
const hostPort = 30460;
const registry = "localhost:31460";
const image = process.env.E2E_BASE_IMAGE ?? "node:24.21.0-trixie-slim";
const { E2E_NODE_IMAGE: nodeImage, E2E_REGISTRY_IMAGE: registryImage } = process.env;
const server = "require('node:http').createServer((_, response) => response.end('hello')).listen(30080)";

/** The program of another project, in YAML. */
const program = {
  name: "other-project",
  runtime: "yaml",
  packages: { "kind-cluster": "./kind" },
  resources: {
    cluster: {
      type: "kind-cluster:KindCluster",
      properties: {
        name: clusterName,
        ...(nodeImage && { nodeImage }),
        registryPort: 31460,
        ...(registryImage && { registryImage }),
        portMappings: [{ containerPort: 30080, hostPort, listenAddress: "127.0.0.1" }],
      },
    },
    node: {
      type: "kind-cluster:ClusterImage",
      properties: { image, registry: "${cluster.registry}" },
    },
    kubernetes: {
      type: "pulumi:providers:kubernetes",
      properties: { kubeconfig: "${cluster.kubeconfig}", clusterIdentifier: "${cluster.clusterId}" },
    },
    web: {
      type: "kubernetes:apps/v1:Deployment",
      properties: {
        spec: {
          selector: { matchLabels: { app: "web" } },
          template: {
            metadata: { labels: { app: "web" } },
            spec: {
              hostNetwork: true,
              containers: [{ name: "web", image: "${node.reference}", command: ["node", "--eval", server] }],
            },
          },
        },
      },
      options: { provider: "${kubernetes}", deletedWith: "${cluster}" },
    },
  },
  outputs: { image: "${node.reference}" },
};

/** The tests build on each other, so the first failure stops them. */
describe("The package kind-cluster, in a YAML program of another folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "koa-blog-e2e-"));
  const ownContainers = () => engineObjects().containers.filter((name) => name.startsWith(clusterName));
  const environment = {
    ...process.env,
    PATH: `${dirname(pulumiCommand())}:${process.env.PATH ?? ""}`,
    PULUMI_BACKEND_URL: `file://${folder}/state`,
    PULUMI_CONFIG_PASSPHRASE: "a passphrase",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The user's own cluster is not used.
    KUBECONFIG: join(folder, "none"),
  };
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync("pulumi", [...args, "--non-interactive"], {
      cwd: folder,
      env: environment,
      encoding: "utf8",
    });
    return { status, output: stdout + stderr };
  };
  const pulumi = (...args: string[]) => {
    const start = Date.now();
    const { status, output } = run(...args);
    assert.equal(status, 0, output);
    console.log(`      pulumi ${args.join(" ")}: ${((Date.now() - start) / 1000).toFixed(0)} s`);
    return output;
  };

  before(function () {
    mkdirSync(join(folder, "state"));
    cpSync(join(projectFolder, "components/kind"), join(folder, "kind"), {
      recursive: true,
      filter: (path) => basename(path) !== "node_modules",
    });
    writeFileSync(join(folder, "Pulumi.yaml"), stringify(program));
    const { status, output } = run("install");
    if (/pulumi-language-yaml.*(not found|could not|no such)|no language plugin/i.test(output)) {
      console.log("      skipped: Pulumi has no language host for YAML");
      this.skip();
    }
    assert.equal(status, 0, output);
    pulumi("stack", "init", "test");
  });

  after(() => {
    run("destroy", "--yes");
    rmSync(folder, { recursive: true });
  });

  it("creates a cluster, and a Deployment with an image of its registry", async () => {
    const output = pulumi("up", "--yes", "--skip-preview");
    assert.match(output, new RegExp(`image *: *"${registry}/${image}"`));
    assert.deepEqual(ownContainers(), [`${clusterName}-control-plane`, `${clusterName}-registry`]);
    const fields = "jsonpath={.items[0].status.containerStatuses[0].imageID}";
    const imageId = docker("exec", `${clusterName}-control-plane`, "kubectl", "get", "pods", "--output", fields);
    assert.ok(imageId.startsWith(`${registry}/`), imageId);
    const answer = await new Client(`http://localhost:${String(hostPort)}`).get("/");
    assert.equal(answer.text, "hello");
  });

  it("changes nothing at the second run", () => {
    assertUnchanged(pulumi("up", "--yes", "--skip-preview", "--refresh"));
  });

  it("keeps the kubeconfig secret", () => {
    assert.doesNotMatch(pulumi("stack", "export"), /client-key-data/);
  });

  it("is destroyed, and leaves nothing", () => {
    pulumi("destroy", "--yes", "--skip-preview");
    assert.deepEqual(ownContainers(), []);
  });
});
