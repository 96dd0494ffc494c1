import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buildInputs } from "../../components/blogImage.ts";
import { contentHash, hasTag, ignoredNames, nameOf } from "../../components/imageBuild.ts";
import { mySqlBuildInputs } from "../../components/mySqlImage.ts";
import { registryOf } from "../../components/registry.ts";

describe("The tag of the blog's image", () => {
  let folder: string;
  const hash = () => contentHash(folder, ["lock.json", "service"], "node:24");

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "koa-blog-"));
    mkdirSync(join(folder, "service", "posts"), { recursive: true });
    writeFileSync(join(folder, "lock.json"), "{}");
    writeFileSync(join(folder, "service", "app.ts"), "one");
    writeFileSync(join(folder, "service", "posts", "index.ts"), "two");
    writeFileSync(join(folder, "README.md"), "three");
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is a tag that Docker accepts, the same in another folder of the same content", () => {
    const before = hash();
    assert.match(before, /^[0-9a-f]{16}$/);
    const copy = `${folder}-copy`;
    cpSync(folder, copy, { recursive: true });
    assert.equal(contentHash(copy, ["lock.json", "service"], "node:24"), before);
    rmSync(copy, { recursive: true });
  });

  const changes: [change: string, make: () => void][] = [
    [
      "a line",
      () => {
        writeFileSync(join(folder, "service", "posts", "index.ts"), "two!");
      },
    ],
    [
      "a new file",
      () => {
        writeFileSync(join(folder, "service", "new.ts"), "");
      },
    ],
    [
      "another name",
      () => {
        renameSync(join(folder, "service", "app.ts"), join(folder, "service", "main.ts"));
      },
    ],
    [
      "the lock file",
      () => {
        writeFileSync(join(folder, "lock.json"), "{ }");
      },
    ],
  ];
  for (const [change, make] of changes) {
    it(`changes with ${change}`, () => {
      const before = hash();
      make();
      assert.notEqual(hash(), before);
    });
  }

  it("changes with the base image", () => {
    assert.notEqual(contentHash(folder, ["service"], "node:24"), contentHash(folder, ["service"], "node:26"));
  });

  it("does not change with what the build does not read", () => {
    const before = hash();
    writeFileSync(join(folder, "README.md"), "four");
    mkdirSync(join(folder, "service", "node_modules"));
    writeFileSync(join(folder, "service", "node_modules", "x.js"), "five");
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
