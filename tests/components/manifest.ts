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

const podTemplate = (workload: Registered) => {
  const { jobTemplate } = specOf(workload) as { jobTemplate?: { spec: Inputs } };
  return (jobTemplate?.spec ?? specOf(workload)).template as PodTemplate;
};

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

/**
 * URNs of all resources that a resource waits for. A child waits for its component, and so for what the component
 * depends on. Its own request does not list that.
 */
export function awaited(resources: Registered[], resource: Registered, seen = new Set<string>()): Set<string> {
  const provider = resource.provider.split("::").slice(0, -1).join("::");
  for (const urn of [...resource.dependencies, resource.parent, provider]) {
    if (urn === "" || seen.has(urn)) continue;
    seen.add(urn);
    const next = resources.find((candidate) => candidate.urn === urn);
    if (next) awaited(resources, next, seen);
  }
  return seen;
}

/** Fails unless a resource waits for an earlier one, in the graph and in this run. */
export function assertAfter(resources: Registered[], later: Registered, earlier: Registered): void {
  assert.ok(awaited(resources, later).has(earlier.urn), `${later.name} does not depend on ${earlier.name}`);
  assert.ok(later.requested > earlier.answered, `${later.name} was requested before ${earlier.name} was there`);
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
