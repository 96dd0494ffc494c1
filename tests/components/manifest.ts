import assert from "node:assert/strict";

import type * as k8s from "@pulumi/kubernetes";

import { type Inputs, type Registered, secretValue } from "./program.ts";

export type PodSpec = k8s.types.output.core.v1.PodSpec;
type Container = k8s.types.output.core.v1.Container;

interface PodTemplate {
  metadata: { labels: Record<string, string> };
  spec: PodSpec;
}

/** The specification of a Kubernetes object. */
export const specOf = ({ inputs }: Registered) => inputs.spec as Inputs;

const podTemplate = (workload: Registered) => specOf(workload).template as PodTemplate;

/** The pod specification of a workload. */
export const podSpec = (workload: Registered): PodSpec => podTemplate(workload).spec;

/** The labels of a workload's pods. */
export const podLabels = (workload: Registered) => podTemplate(workload).metadata.labels;

/** The only container of a workload. Fails if there are several. */
export const mainContainer = (resource: Registered): Container => {
  const [container, ...others] = podSpec(resource).containers;
  assert.ok(container);
  assert.deepEqual(others, []);
  return container;
};

/** Finds a resource by name. Fails if there is none. */
export const finder = (resources: Registered[]) => (name: string) => {
  const resource = resources.find((candidate) => candidate.name === name);
  assert.ok(resource, `${name} is not registered`);
  return resource;
};

/** Fails unless the Secrets have exactly these values. */
export function assertSecrets(find: ReturnType<typeof finder>, contents: Record<string, object>): void {
  for (const [name, content] of Object.entries(contents)) {
    assert.deepEqual(secretValue(find(name).inputs.stringData), content, name);
  }
}

/** Types and names of resources, sorted. */
export const listed = (resources: Registered[]) => resources.map(({ type, name }) => `${type} ${name}`).sort();

/** URNs of all direct and indirect dependencies of a resource, including those of its provider. */
export function awaited(resources: Registered[], resource: Registered, seen = new Set<string>()): Set<string> {
  const provider = resource.provider.split("::").slice(0, -1).join("::");
  for (const urn of [...resource.dependencies, provider].filter((candidate) => candidate && !seen.has(candidate))) {
    seen.add(urn);
    const next = resources.find((candidate) => candidate.urn === urn);
    if (next) awaited(resources, next, seen);
  }
  return seen;
}

/** Fails unless each resource waits for the previous one. */
export function assertOrder(resources: Registered[], ...order: Registered[]): void {
  order.reduce((earlier, later) => {
    assert.ok(awaited(resources, later).has(earlier.urn), `${later.name} does not wait for ${earlier.name}`);
    return later;
  });
}

/** Fails unless a workload's pods have exactly the expected rights. By default, they may only read files. */
export function assertRights(
  workload: Registered,
  { user, canWrite = false, hasToken = false }: { user: number; canWrite?: boolean; hasToken?: boolean },
): void {
  const spec = podSpec(workload);
  assert.equal(spec.automountServiceAccountToken, hasToken);
  assert.equal(spec.enableServiceLinks, false);
  assert.equal(spec.securityContext.runAsUser, user);
  assert.equal(spec.securityContext.runAsNonRoot, user === 0 ? undefined : true);
  assert.deepEqual(spec.securityContext.seccompProfile, { type: "RuntimeDefault" });
  const container = mainContainer(workload);
  assert.deepEqual(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: !canWrite,
    capabilities: { drop: ["ALL"] },
  });
  for (const amounts of [container.resources.requests, container.resources.limits]) {
    assert.deepEqual(Object.keys(amounts), ["cpu", "ephemeral-storage", "memory"]);
  }
  assert.equal(container.imagePullPolicy, "IfNotPresent");
}

/** The resources of the blog in any cluster. */
export const blogResources = [
  "blog:image:BlogImage blog",
  "blog:image:MigrationImage migration",
  "blog:kubernetes:Blog blog",
  "blog:kubernetes:BlogConfiguration blog",
  "blog:kubernetes:BlogNamespace blog",
  "blog:kubernetes:BlogService blog",
  "blog:kubernetes:MySql mysql",
  "blog:kubernetes:SchemaMigration blog",
  "docker:index/image:Image blog-image",
  "docker:index/image:Image migration-image",
  "kubernetes:apps/v1:Deployment blog-deployment",
  "kubernetes:apps/v1:StatefulSet mysql-statefulset",
  "kubernetes:batch/v1:Job blog-job",
  "kubernetes:core/v1:ConfigMap blog-database",
  "kubernetes:core/v1:ConfigMap blog-mysql-init",
  "kubernetes:core/v1:ConfigMap blog-settings",
  "kubernetes:core/v1:Namespace blog-namespace",
  "kubernetes:core/v1:PersistentVolumeClaim mysql-data",
  "kubernetes:core/v1:Secret blog-database-root",
  "kubernetes:core/v1:Secret blog-database-user",
  "kubernetes:core/v1:Secret blog-session",
  "kubernetes:core/v1:Service blog-service",
  "kubernetes:core/v1:Service mysql-primary",
  "kubernetes:core/v1:Service mysql-service",
  "kubernetes:networking.k8s.io/v1:NetworkPolicy blog-job-clients",
  "kubernetes:networking.k8s.io/v1:NetworkPolicy blog-readers",
  "kubernetes:networking.k8s.io/v1:NetworkPolicy mysql-clients",
  "kubernetes:policy/v1:PodDisruptionBudget blog-disruption-budget",
  "random:index/randomPassword:RandomPassword blog-mysql-password",
  "random:index/randomPassword:RandomPassword blog-mysql-root-password",
  "random:index/randomPassword:RandomPassword blog-session-key",
];
