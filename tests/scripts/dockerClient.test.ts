import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { checkBuildx, checkCredentialHelpers, checkEndpoint } from "../../scripts/lib/checks/dockerClient.ts";
import { settingsFrom } from "../../scripts/lib/project.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

describe("The check of Docker's engine address", () => {
  const cases: [endpoint: string, target: "kind" | "existing", dockerHost: string, problem: RegExp | undefined][] = [
    ["unix:///var/run/docker.sock", "kind", "", undefined],
    ["unix:///home/me/.colima/default/docker.sock", "kind", "", undefined],
    ["unix:///run/user/1000/docker.sock", "kind", "", undefined],
    ["tcp://localhost:2375", "kind", "tcp://localhost:2375", undefined],
    ["tcp://127.0.0.1:2375", "kind", "", /cannot use the TLS files/],
    ["ssh://me@build", "kind", "", /ssh:\/\/me@build is on another machine/],
    ["tcp://localhost.example.com:2376", "kind", "tcp://localhost.example.com:2376", /is on another machine/],
    ["ssh://me@build", "existing", "", undefined],
    ["tcp://build:2376", "existing", "tcp://build:2376", undefined],
    ["tcp://build:2376", "existing", "", /cannot use the TLS files of the Docker context/],
  ];
  for (const [endpoint, target, DOCKER_HOST, expected] of cases) {
    const source = DOCKER_HOST ? "DOCKER_HOST" : "a context";
    it(`${expected ? "refuses" : "accepts"} ${endpoint} of ${source} for target ${target}`, () => {
      const [finding] = checkEndpoint(endpoint, target, { DOCKER_HOST });
      if (!expected) assert.equal(finding, undefined);
      else assert.match(finding?.message ?? "", expected);
    });
  }
});

describe("The check of Docker's programs for passwords", () => {
  const config = settingsFrom({ "koa-blog:baseImage": "ghcr.io/team/node:24.1.0" });
  const cases: [content: unknown, problem: RegExp | undefined][] = [
    [undefined, undefined],
    [{ auths: {} }, undefined],
    [{ credsStore: "here" }, undefined],
    [{ credsStore: "desktop" }, /config\.json names docker-credential-desktop for credsStore, but it is not on PATH/],
    [{ credHelpers: { "ghcr.io": "gone" } }, /names docker-credential-gone for ghcr\.io/],
    [{ credHelpers: { "https://index.docker.io/v1/": "gone" } }, /names docker-credential-gone/],
    [{ credHelpers: { "gcr.io": "gone", "ghcr.io": "here" } }, undefined],
    ["{", /config\.json cannot be read/],
  ];
  for (const [content, expected] of cases) {
    it(`${expected ? "refuses" : "accepts"} ${content === undefined ? "no file" : JSON.stringify(content)}`, () => {
      const folder = temporaryFolder();
      const text = typeof content === "string" ? content : JSON.stringify(content);
      if (content !== undefined) writeFileSync(join(folder, "config.json"), text);
      writeFileSync(join(folder, "docker-credential-here"), "");
      const [finding] = checkCredentialHelpers(config, { DOCKER_CONFIG: folder, PATH: `/none:${folder}` });
      if (!expected) assert.equal(finding, undefined);
      else assert.match(finding?.message ?? "", expected);
    });
  }
});

describe("The check of buildx", () => {
  const path = process.env.PATH;

  afterEach(() => {
    process.env.PATH = path;
  });

  for (const [script, message] of [
    ["echo github.com/docker/buildx v0.30.1 0123456", "buildx 0.30.1"],
    ["echo github.com/docker/buildx 0.11.2 9872040", "buildx 0.11.2 is older than 0.17"],
    ["echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1", "docker has no buildx"],
  ] as const) {
    it(`says: ${message}`, () => {
      const folder = temporaryFolder();
      mkdirSync(join(folder, "bin"));
      writeFileSync(join(folder, "bin/docker"), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, "bin/docker"), 0o755);
      process.env.PATH = `${join(folder, "bin")}:${path ?? ""}`;
      assert.equal(checkBuildx().message, message);
    });
  }
});
