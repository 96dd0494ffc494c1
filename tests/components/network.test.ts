import assert from "node:assert/strict";

import { BlogService, type Exposure } from "../../components/blog/blogService.ts";
import { finder, isWorkload, metadataOf, podTemplate, specOf } from "./manifest.ts";
import { defaultProgram, fullProgram, type Inputs, type Registered, runWithMocks, settle } from "./program.ts";

const skipAwait = { "pulumi.com/skipAwait": "true" };
const selector = (name: string) => ({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "koa-blog" });

/** A rule of a NetworkPolicy for a port. */
const rule = (port: string, from?: Inputs) => ({ ports: [{ port, protocol: "TCP" }], ...(from && { from: [from] }) });
const marked = (client: string) => ({ podSelector: { matchLabels: { [`koa-blog/${client}-client`]: "true" } } });

describe("NetworkPolicies and Services", () => {
  let resources: Registered[];
  let find: ReturnType<typeof finder>;

  before(async () => {
    ({ resources } = await defaultProgram());
    find = finder(resources);
  });

  it("admit all clients to the blog, marked ones to its metrics, MySQL and Elasticsearch, none to the migration", () => {
    const policies: [policy: string, component: string, ...rules: Inputs[]][] = [
      ["blog", "koa-blog", rule("http"), rule("metrics", { namespaceSelector: {}, ...marked("metrics") })],
      ["mysql", "mysql", rule("mysql", marked("mysql"))],
      ["migration", "koa-blog-migration"],
      ["logging-elasticsearch", "elasticsearch", rule("http", marked("elasticsearch"))],
      // A kind node publishes the node port of Kibana on 127.0.0.1 only.
      ["logging-kibana", "kibana", rule("http")],
    ];
    for (const [policy, component, ...ingress] of policies) {
      const podSelector = { matchLabels: selector(component) };
      const expected = { podSelector, policyTypes: ["Ingress"], ...(ingress.length > 0 && { ingress }) };
      assert.deepEqual(specOf(find(`${policy}-network-policy`)), expected);
    }
    assert.deepEqual(specOf(find("logging-network-policy")), { podSelector: {}, policyTypes: ["Ingress"] });
  });

  it("admit only the set-up Job to Kibana without a node port", async () => {
    const findOther = finder((await fullProgram()).resources);
    assert.deepEqual(specOf(findOther("logging-kibana-network-policy")).ingress, [rule("http", marked("kibana"))]);
    assert.equal(specOf(findOther("logging-kibana-service")).type, "ClusterIP");
  });

  const clients = {
    mysql: ["blog-deployment", "migration-job"],
    elasticsearch: [
      "logging-disk-cleanup-cron-job",
      "logging-elasticsearch-setup-job",
      "logging-fluentd-daemonset",
      "logging-kibana-deployment",
    ],
    kibana: ["logging-kibana-setup-job"],
    metrics: [],
  };
  it("count as clients only the pods that connect", () => {
    for (const [server, expected] of Object.entries(clients)) {
      const isClient = (workload: Registered) => `koa-blog/${server}-client` in podTemplate(workload).metadata.labels;
      const names = resources.filter((resource) => isWorkload(resource) && isClient(resource)).map(({ name }) => name);
      assert.deepEqual(names.sort(), expected, server);
    }
  });

  it("lead to the pods of their components, and do not wait for pods that come later", () => {
    for (const [service, component, port, isHeadless] of [
      ["service-object", "koa-blog", 5000, false],
      // MySQL's clients use an address that outlives the pod.
      ["mysql-service", "mysql", 3306, false],
      ["mysql-headless-service", "mysql", 3306, true],
      ["logging-elasticsearch-service", "elasticsearch", 9200, true],
      ["logging-kibana-service", "kibana", 5601, false],
    ] as const) {
      const { selector: selected, clusterIP, ports } = specOf(find(service));
      assert.deepEqual(selected, selector(component));
      assert.equal((ports as { port: number }[])[0]?.port, port);
      assert.equal(clusterIP, isHeadless ? "None" : undefined, service);
      assert.deepEqual(metadataOf(find(service)).annotations, isHeadless ? undefined : skipAwait, service);
    }
    assert.equal(specOf(find("mysql-statefulset")).serviceName, metadataOf(find("mysql-headless-service")).name);
    assert.equal((specOf(find("logging-kibana-service")).ports as { nodePort: number }[])[0]?.nodePort, 30601);
  });
});

describe("The blog's Service", () => {
  const register = async (expose: Exposure) => {
    const program = () => new BlogService("service", { namespace: "koa-blog", expose });
    const { resources, result } = await runWithMocks(program);
    const { type, externalTrafficPolicy, ports } = specOf(finder(resources)("service-object"));
    const [{ port, nodePort } = {}] = ports as { port?: number; nodePort?: number }[];
    return [type, externalTrafficPolicy, port, nodePort, (await settle(result.url)).value];
  };

  it("is reached by a port of each node", async () => {
    const expected = ["NodePort", "Cluster", 5000, 31234, "http://ADDRESS-OF-A-NODE:31234"];
    assert.deepEqual(await register({ type: "NodePort", nodePort: 31234 }), expected);
  });

  it("is reached by a load balancer, which passes the IP addresses of clients", async () => {
    const expected = ["LoadBalancer", "Local", 80, undefined, "http://ADDRESS-OF-THE-LOAD-BALANCER"];
    assert.deepEqual(await register({ type: "LoadBalancer" }), expected);
  });

  it("is reached by an Ingress, with TLS and with annotations for cert-manager if they are set", async () => {
    const host = "blog.example.com";
    const expected = ["ClusterIP", undefined, 5000, undefined, `http://${host}`];
    assert.deepEqual(await register({ type: "Ingress", host }), expected);
    const { resources, outputs } = await fullProgram();
    const ingress = finder(resources)("service-ingress");
    const annotations = { ...skipAwait, "cert-manager.io/cluster-issuer": "letsencrypt" };
    assert.deepEqual(metadataOf(ingress).annotations, annotations);
    const backend = { service: { name: "koa-blog", port: { name: "http" } } };
    assert.deepEqual(specOf(ingress), {
      tls: [{ hosts: [host], secretName: "blog-tls" }],
      rules: [{ host, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
    });
    assert.equal(outputs.url?.value, `https://${host}`);
  });
});
