import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { labels, selectorLabels } from "./labels.ts";

export interface ClientPolicyArgs {
  /** Namespace of the pods and of their clients. */
  namespace: pulumi.Input<string>;
  /** Component whose pods are to be reached. */
  component: string;
  /** Name of the port on which they are. */
  port: string;
  /** Label of the pods that may reach them. Everybody may if it is undefined. */
  client: Record<string, string> | undefined;
}

/** A NetworkPolicy that lets the clients of a component reach its pods, on one port, and nobody else. */
export function clientPolicy(
  name: string,
  { namespace, component, port, client }: ClientPolicyArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.networking.v1.NetworkPolicy {
  return new k8s.networking.v1.NetworkPolicy(
    name,
    {
      metadata: { name: component, namespace, labels: labels(component) },
      spec: {
        podSelector: { matchLabels: selectorLabels(component) },
        policyTypes: ["Ingress"],
        ingress: [
          {
            ...(client && { from: [{ podSelector: { matchLabels: client } }] }),
            ports: [{ port, protocol: "TCP" }],
          },
        ],
      },
    },
    opts,
  );
}
