import type * as pulumi from "@pulumi/pulumi";

/**
 * The options of a component's children: owned by the component, ordered behind what it depends on, and gone when the
 * cluster that it runs in is gone. Pulumi passes `providers` on by itself, but neither of the other two.
 */
export function childOptions(
  parent: pulumi.ComponentResource,
  { dependsOn, deletedWith }: pulumi.ComponentResourceOptions,
): pulumi.CustomResourceOptions {
  return { parent, ...(dependsOn && { dependsOn }), ...(deletedWith && { deletedWith }) };
}

/** What `dependsOn` names, as a list that more can be added to. */
export function dependencies({ dependsOn }: pulumi.ComponentResourceOptions): pulumi.Input<pulumi.Resource>[] {
  return dependsOn === undefined ? [] : ([dependsOn].flat() as pulumi.Input<pulumi.Resource>[]);
}
