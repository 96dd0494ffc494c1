import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { type Metadata, selectorLabels } from "./labels.ts";

type Rule = k8s.types.input.networking.v1.NetworkPolicyIngressRule;

/** A NetworkPolicy for the pods of the component `metadata.name`. It admits only what the rules allow. */
export function networkPolicy(name: string, metadata: Metadata, rules: Rule[], opts: pulumi.CustomResourceOptions) {
  const podSelector = { matchLabels: selectorLabels(metadata.name) };
  return new k8s.networking.v1.NetworkPolicy(
    name,
    { metadata, spec: { podSelector, policyTypes: ["Ingress"], ...(rules.length > 0 && { ingress: rules }) } },
    opts,
  );
}

/** Admits connections to a port, from pods of the namespace with a label. Without a label, it admits all clients. */
export function allow(port: string, client?: Record<string, string>): Rule {
  return { ...(client && { from: [{ podSelector: { matchLabels: client } }] }), ports: [{ port, protocol: "TCP" }] };
}
