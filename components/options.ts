import type * as pulumi from "@pulumi/pulumi";

/**
 * The options of a component's children: owned by the component, ordered behind what it depends on, gone when the cluster
 * that it runs in is gone, and made again in another one. Pulumi passes `providers` on by itself, but none of these.
 */
export function childOptions(
  parent: pulumi.ComponentResource,
  opts: pulumi.ComponentResourceOptions,
): pulumi.CustomResourceOptions {
  const { dependsOn, deletedWith } = opts;
  const replacementTrigger: unknown = opts.replacementTrigger;
  return {
    parent,
    ...(dependsOn && { dependsOn }),
    ...(deletedWith && { deletedWith }),
    ...(replacementTrigger !== undefined && { replacementTrigger }),
  };
}

/** What `dependsOn` names, as a list that more can be added to. */
export function dependencies({ dependsOn }: pulumi.ComponentResourceOptions): pulumi.Input<pulumi.Resource>[] {
  return dependsOn === undefined ? [] : ([dependsOn].flat() as pulumi.Input<pulumi.Resource>[]);
}
