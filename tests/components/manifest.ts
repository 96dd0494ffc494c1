import assert from "node:assert/strict";

import type * as k8s from "@pulumi/kubernetes";

import type { Inputs, Registered } from "./program.ts";

type PodSpec = k8s.types.output.core.v1.PodSpec;
type Container = k8s.types.output.core.v1.Container;

/** Finds a resource by name. Fails if there is none. */
export const finder = (resources: Registered[]) => (name: string) => {
  const resource = resources.find((candidate) => candidate.name === name);
  assert.ok(resource, `${name} is not registered`);
  return resource;
};

export const isKubernetes = ({ type }: Registered) => type.startsWith("kubernetes:");

/** Whether a resource has pods. */
export const isWorkload = ({ type }: Registered) => /:(StatefulSet|DaemonSet|Deployment|CronJob|Job)$/.test(type);

export const metadataOf = ({ inputs }: Registered) =>
  inputs.metadata as { name?: string; namespace?: string; labels: Inputs; annotations?: Inputs };

/** The specification of a Kubernetes object. */
export const specOf = ({ inputs }: Registered) => inputs.spec as Inputs;

/** The labels and the specification of a workload's pods. */
export function podTemplate(workload: Registered) {
  const { jobTemplate } = specOf(workload) as { jobTemplate?: { spec: Inputs } };
  const { template } = jobTemplate?.spec ?? specOf(workload);
  return template as { metadata: { labels: Inputs }; spec: PodSpec };
}

export const podSpec = (workload: Registered): PodSpec => podTemplate(workload).spec;

/** The only container of a workload. Fails if there are several. */
export function mainContainer(workload: Registered): Container {
  const [container, ...others] = podSpec(workload).containers;
  assert.ok(container);
  assert.deepEqual(others, []);
  return container;
}

/** The values of a container's variables by name. */
export const variables = (workload: Registered) =>
  Object.fromEntries(mainContainer(workload).env.map(({ name, value }) => [name, value]));

/**
 * Names of all resources that a resource waits for. A child waits for its component, and so for what the component
 * depends on. Its own request does not list that.
 */
export function awaited(resources: Registered[], name: string, seen = new Set<string>()): Set<string> {
  const { dependencies, parent, provider } = finder(resources)(name);
  for (const urn of [...dependencies, parent, provider.split("::").slice(0, -1).join("::")]) {
    const next = resources.find((candidate) => candidate.urn === urn)?.name;
    if (next !== undefined && !seen.has(next)) awaited(resources, next, seen.add(next));
  }
  return seen;
}

/** Fails unless a resource waits for an earlier one. */
export function assertAfter(resources: Registered[], later: string, earlier: string): void {
  assert.ok(awaited(resources, later).has(earlier), `${later} does not wait for ${earlier}`);
}
