import assert from "node:assert/strict";

import { parse } from "yaml";

import { kindConfig, type KindConfigArgs } from "../../../components/kind/kindConfig.ts";

const registryHosts = '{"config_path":"/etc/containerd/certs.d"}';
const common = {
  kind: "Cluster",
  apiVersion: "kind.x-k8s.io/v1alpha4",
  containerdConfigPatchesJSON6902: [
    `[{"op":"add","path":"/plugins/io.containerd.grpc.v1.cri/registry","value":${registryHosts}}]`,
  ],
};

describe("kind's configuration", () => {
  const image = "kindest/node:v1";
  const kibana = { containerPort: 30601, hostPort: 5601, listenAddress: "127.0.0.1" };
  const cases: [situation: string, args: KindConfigArgs, expected: Record<string, unknown>][] = [
    ["has one node and no ports by default", {}, { nodes: [{ role: "control-plane" }] }],
    [
      "has the image on each node, and publishes ports of the control plane, on all addresses by default",
      { workers: 2, nodeImage: image, portMappings: [{ containerPort: 30423, hostPort: 80 }, kibana] },
      {
        nodes: [
          {
            role: "control-plane",
            image,
            extraPortMappings: [
              { listenAddress: "0.0.0.0", protocol: "TCP", containerPort: 30423, hostPort: 80 },
              { protocol: "TCP", ...kibana },
            ],
          },
          { role: "worker", image },
          { role: "worker", image },
        ],
      },
    ],
    [
      "has each field of the patch instead of its own one",
      { workers: 3, configPatch: { nodes: [{ role: "worker" }], networking: { ipFamily: "dual" } } },
      { nodes: [{ role: "worker" }], networking: { ipFamily: "dual" } },
    ],
  ];
  for (const [situation, args, expected] of cases) {
    it(situation, () => {
      assert.deepEqual(parse(kindConfig(args)), { ...common, ...expected });
    });
  }
});
