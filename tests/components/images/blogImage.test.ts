import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { buildInputs } from "../../../components/images/blogImage.ts";
import { contentHash, hasTag, ignoredNames, nameOf } from "../../../components/images/imageBuild.ts";
import { migrationBuildInputs } from "../../../components/images/migrationImage.ts";
import { mySqlBuildInputs } from "../../../components/images/mySqlImage.ts";
import { dockerLogins, registryOf, repositoryOf } from "../../../components/images/registry.ts";
import { temporaryFolder } from "../../temporaryFolder.ts";
import { finder } from "../manifest.ts";
import { runProgram, secretValue } from "../program.ts";

describe("The tag of the blog's image", () => {
  let folder: string;
  const hash = (baseImage = "node:24", root = folder) => contentHash(root, ["lock.json", "service"], { baseImage });
  const write = (path: string, text: string) => {
    writeFileSync(join(folder, path), text);
  };

  beforeEach(() => {
    folder = temporaryFolder();
    mkdirSync(join(folder, "service", "posts"), { recursive: true });
    write("lock.json", "{}");
    write("service/app.ts", "one");
    write("service/posts/index.ts", "two");
    write("README.md", "three");
  });

  it("is a tag that Docker accepts, the same in another folder of the same content", () => {
    assert.match(hash(), /^[0-9a-f]{16}$/);
    const copy = temporaryFolder();
    cpSync(folder, copy, { recursive: true });
    assert.equal(hash("node:24", copy), hash());
  });

  for (const [change, path, text] of [
    ["a line", "service/posts/index.ts", "two!"],
    ["a new file", "service/new.ts", ""],
    ["the lock file", "lock.json", "{ }"],
  ] as const) {
    it(`changes with ${change}`, () => {
      const before = hash();
      write(path, text);
      assert.notEqual(hash(), before);
    });
  }

  it("changes with another name", () => {
    const before = hash();
    renameSync(join(folder, "service", "app.ts"), join(folder, "service", "main.ts"));
    assert.notEqual(hash(), before);
  });

  it("changes with the base image", () => {
    assert.notEqual(hash("node:24"), hash("node:26"));
  });

  it("does not change with what the build does not read", () => {
    const before = hash();
    write("README.md", "four");
    mkdirSync(join(folder, "service", "node_modules"));
    write("service/node_modules/x.js", "five");
    assert.equal(hash(), before);
  });

  it("covers what .dockerignore lets the build read, and the Dockerfile", () => {
    const lines = readFileSync(".dockerignore", "utf8")
      .split("\n")
      .filter((line) => line && !line.startsWith("#"));
    const allowed = lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1).replace("/**", ""));
    assert.deepEqual(allowed.sort(), buildInputs.filter((input) => input !== ".dockerignore").sort());
    const ignored = lines.filter((line) => line.startsWith("**/")).map((line) => line.slice(3));
    assert.deepEqual(ignored.sort(), [...ignoredNames].sort());
  });
});

describe("The tag of the migration's image", () => {
  it("covers what its stage copies: all but the blog's own code", () => {
    const copies = [...readFileSync("service/Dockerfile", "utf8").matchAll(/^COPY (?!--from)(.*) \S+$/gm)];
    const copied = copies.flatMap(([, sources = ""]) => sources.split(" "));
    assert.deepEqual(
      [...copied.filter((source) => source !== "service"), ".dockerignore", "service/Dockerfile"].sort(),
      [...migrationBuildInputs].sort(),
    );
  });
});

describe("The tag of MySQL's image", () => {
  it("covers what db/.dockerignore lets the build read, and the Dockerfile", () => {
    const lines = readFileSync("db/.dockerignore", "utf8").split("\n");
    const allowed = lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
    assert.deepEqual([...allowed, "Dockerfile"].sort(), [...mySqlBuildInputs].sort());
  });
});

describe("An image's name", () => {
  const images: [image: string, name: string, registry: string | undefined][] = [
    ["koa-blog", "koa-blog", undefined],
    ["koa-blog:1.0", "koa-blog", undefined],
    ["team/koa-blog:1.0", "team/koa-blog", undefined],
    ["localhost/koa-blog", "localhost/koa-blog", undefined],
    ["localhost:5000/koa-blog", "localhost:5000/koa-blog", "localhost:5000"],
    ["registry.example.com/team/koa-blog:1.0", "registry.example.com/team/koa-blog", "registry.example.com"],
  ];
  for (const [image, name, registry] of images) {
    it(`${image} is ${name} without its tag, of ${registry ?? "no registry of its own"}`, () => {
      assert.equal(nameOf(image), name);
      assert.equal(hasTag(image), name !== image);
      assert.equal(registryOf(image), registry);
    });
  }
});

describe("An image's repository in a mirror", () => {
  for (const [image, repository] of [
    ["mysql:9.7.2", "library/mysql:9.7.2"],
    ["docker.io/mysql:9.7.2", "library/mysql:9.7.2"],
    ["fluent/fluentd-kubernetes-daemonset:v1", "fluent/fluentd-kubernetes-daemonset:v1"],
    ["docker.elastic.co/kibana/kibana:8.19.19", "kibana/kibana:8.19.19"],
    ["localhost:5000/mysql:9", "mysql:9"],
    ["localhost/mysql:9", "mysql:9"],
  ] as const) {
    it(`is ${repository} for ${image}, as containerd asks for it`, () => {
      assert.equal(repositoryOf(image), repository);
    });
  }
});

describe("Docker's log-ins", () => {
  it("are those of the images' registries, if Docker has a configuration file", () => {
    const folder = temporaryFolder();
    assert.deepEqual(dockerLogins(["mysql:9"], folder), []);
    writeFileSync(join(folder, "config.json"), "{}");
    const images = ["docker.elastic.co/kibana/kibana:8", "mysql:9", "node:24", "docker.elastic.co/x/y:8"];
    assert.deepEqual(dockerLogins(images, folder), [
      { address: "docker.elastic.co" },
      { address: "registry-1.docker.io" },
    ]);
  });
});

describe("The build of an image", () => {
  it("gets this machine's proxy, secretly, and makes no other image with another proxy", async () => {
    const before = process.env.HTTPS_PROXY;
    process.env.HTTPS_PROXY = "http://user:password@proxy.example.com:3128";
    try {
      const { resources } = await runProgram({ logging: "false" });
      const { inputs, ignoreChanges } = finder(resources)("blog-image");
      const { args } = inputs.build as { args: Record<string, unknown> };
      assert.equal(secretValue(args.HTTPS_PROXY), process.env.HTTPS_PROXY);
      assert.ok(ignoreChanges.includes("build.args.HTTPS_PROXY"));
    } finally {
      if (before === undefined) delete process.env.HTTPS_PROXY;
      else process.env.HTTPS_PROXY = before;
    }
  });
});
