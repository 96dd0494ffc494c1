import assert from "node:assert/strict";

import type * as k8s from "@pulumi/kubernetes";

import type { Registered } from "./program.ts";

export type PodSpec = k8s.types.output.core.v1.PodSpec;
type Container = k8s.types.output.core.v1.Container;

/** The specification of a workload's pods. */
export const podSpec = ({ inputs }: Registered): PodSpec =>
  (inputs.spec as { template: { spec: PodSpec } }).template.spec;

/** The container of a workload's pods that does its work; another one beside it, but for the blog's standby, fails. */
export const mainContainer = (resource: Registered): Container => {
  const [container, ...others] = podSpec(resource).containers;
  assert.ok(container);
  assert.deepEqual(
    others.map(({ name }) => name),
    resource.name === "blog-deployment" ? ["standby"] : [],
  );
  return container;
};

/** Finds a resource by its name, or fails. */
export const finder = (resources: Registered[]) => (name: string) => {
  const resource = resources.find((candidate) => candidate.name === name);
  assert.ok(resource, `${name} is not registered`);
  return resource;
};
