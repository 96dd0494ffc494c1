import type * as pulumi from "@pulumi/pulumi";

/**
 * Options of a component's children. Pulumi passes `providers` to children, but not `dependsOn`, `deletedWith` and
 * `replacementTrigger`. The resources in `after` are added to `dependsOn`.
 */
export function childOptions(
  parent: pulumi.ComponentResource,
  opts: pulumi.ComponentResourceOptions,
  ...after: pulumi.Resource[]
): pulumi.CustomResourceOptions {
  const { deletedWith } = opts;
  const replacementTrigger: unknown = opts.replacementTrigger;
  const dependsOn = [opts.dependsOn ?? [], after].flat() as pulumi.Input<pulumi.Resource>[];
  return {
    parent,
    dependsOn,
    ...(deletedWith && { deletedWith }),
    ...(replacementTrigger !== undefined && { replacementTrigger }),
  };
}
