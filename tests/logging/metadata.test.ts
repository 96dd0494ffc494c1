import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { temporaryFolder } from "../temporaryFolder.ts";
import { cri, until, useFluentd } from "./fluentd.ts";

const uid = "0b1ac6a9-4b0e-4d0e-9b4c-0b6b7a5f3c11";
const labels = { app: "blog", "app.kubernetes.io/name": "koa-blog" };
const image = "localhost:5001/koa-blog:1";
const pod = {
  kind: "Pod",
  apiVersion: "v1",
  metadata: { name: "blog-7f9c", namespace: "koa-blog", uid, labels },
  spec: { nodeName: "node-1", containers: [{ name: "blog", image }] },
  status: {
    podIP: "10.0.0.7",
    containerStatuses: [{ name: "blog", image, imageID: "sha256:1", containerID: "containerd://4f5e" }],
  },
};
const resource = (name: string, kind: string) => ({ name, kind, namespaced: kind === "Pod", verbs: ["get", "list"] });
const list = { metadata: { resourceVersion: "1" }, items: [] };

/** The API server's answers to the metadata filter. */
const answers: Record<string, unknown> = {
  "/api": { versions: ["v1"] },
  "/api/v1": { kind: "APIResourceList", resources: [resource("pods", "Pod"), resource("namespaces", "Namespace")] },
  "/api/v1/pods": { kind: "PodList", ...list },
  "/api/v1/namespaces": { kind: "NamespaceList", ...list },
  "/api/v1/namespaces/koa-blog": { kind: "Namespace", metadata: { name: "koa-blog", uid: "1" } },
  "/api/v1/namespaces/koa-blog/pods/blog-7f9c": pod,
};

describe("Fluentd with an API server", function () {
  this.timeout(120_000);
  let apiServer: Server | undefined;

  const pipeline = useFluentd(async () => {
    const folder = temporaryFolder();
    const subject = ["-subj", "/CN=kubernetes", "-addext", "subjectAltName=DNS:host.docker.internal"];
    const files = ["-keyout", "key.pem", "-out", "ca.crt"];
    const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...files];
    execFileSync("openssl", request, { cwd: folder, stdio: "ignore" });
    writeFileSync(join(folder, "token"), "a token");
    chmodSync(folder, 0o755);
    const tls = { key: readFileSync(join(folder, "key.pem")), cert: readFileSync(join(folder, "ca.crt")) };
    const server = createServer(tls, ({ url = "" }, response) => {
      const { pathname, searchParams } = new URL(url, "https://host");
      response.writeHead(pathname in answers ? 200 : 404, { "content-type": "application/json" });
      // A watch stays open without events.
      if (searchParams.get("watch") === "true") response.flushHeaders();
      else response.end(JSON.stringify(answers[pathname] ?? { kind: "Status", code: 404, message: "not found" }));
    });
    apiServer = server;
    await new Promise<void>((resolve) => server.listen(0, resolve));
    return {
      run: [
        ...["--volume", `${folder}:/var/run/secrets/kubernetes.io/serviceaccount:ro`],
        ...["--env", "KUBERNETES_SERVICE_HOST=host.docker.internal"],
        ...["--env", `KUBERNETES_SERVICE_PORT=${String((server.address() as AddressInfo).port)}`],
      ],
    };
  });
  before(() => {
    pipeline.node.start();
  });

  after(() => {
    apiServer?.close();
    apiServer?.closeAllConnections();
  });

  it("says of each record which container and image it is from, and the pod's labels", async () => {
    const { elasticsearch, node } = pipeline;
    node.append(`koa-blog_blog-7f9c_${uid}/blog/0.log`, cri("with metadata"));
    await until(() => elasticsearch.documents.size > 0, 60);
    const [document, ...others] = elasticsearch.documents.values();
    assert.deepEqual(others, []);
    assert.ok(document, node.logs().slice(-3000));
    assert.deepEqual(document.container, { id: "4f5e", image: { name: image } });
    assert.deepEqual(document.kubernetes, {
      namespace: "koa-blog",
      pod: { name: "blog-7f9c", uid },
      node: { name: "node-1" },
      container: { name: "blog" },
      labels,
    });
  });
});
